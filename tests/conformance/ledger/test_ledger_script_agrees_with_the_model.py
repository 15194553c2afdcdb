"""The script on a real Redis against the model: the same questions to the same entries, and the same histories.

Three ways, each stronger in one respect. Every question to every entry (a superset of what the model can reach) shows
that script and rules are one function. Mirrored histories show that Redis arrives at those entries by itself. And the
shortest history that breaks each mutant is driven through Redis too: it must either contradict the mutant, or follow
it to the same loss where the mutant is a worker that ignores a right answer.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio
from farandole.errors import EpochChangedError
from farandole.ledger import Entry, Ledger, MemoryLedger, RedisLedger, Verdict, event_key
from farandole.testing.backend import RedisServer
from ledger_model import KEY, PLACES, Faults, Model, Rules, Step, World
from ledger_mutants import RULES, WORKERS, Mutant
from ledger_questions import Case, Outcome, ask, by_ledger, by_rules, cases
from redis.asyncio import Redis

RUNS_AGREE = {
    "commit-when-refused",
    "publish-first",
    "without-the-assignment-fence",
    "the-group-joined-before-the-epoch",
}
"""Mutants that ignore a right answer: Redis follows them step by step, into the loss."""


@pytest_asyncio.fixture(params=["redis", "memory"])
async def ledger(request: pytest.FixtureRequest, redis: RedisServer) -> AsyncIterator[Ledger]:
    made: Ledger = (
        MemoryLedger() if request.param == "memory" else RedisLedger(redis.url, cluster=uuid4().hex, service="payments")
    )
    yield made
    await made.close()


async def test_every_question_to_every_entry_is_answered_by_the_rules(ledger: Ledger):
    asked = cases()
    given = await by_ledger(ledger, await ledger.join(), asked, run="all")
    expected = [by_rules(case, Rules()) for case in asked]
    wrong = [(c, e, g) for c, e, g in zip(asked, expected, given, strict=True) if e != g]
    assert len(asked) > 10_000
    assert wrong == []


async def test_the_questions_include_every_one_that_the_model_can_reach():
    known = {(case.entry and replace(case.entry, digest=0), replace(case.question, digest=0)) for case in cases()}
    reached: set[tuple[Entry | None, object]] = set()
    asking = Rules(
        decide=lambda entry, claim: reached.add((entry, claim)) or Rules().decide(entry, claim),  # type: ignore[func-returns-value]
        apply=lambda entry, settle: reached.add((entry, settle)) or Rules().apply(entry, settle),  # type: ignore[func-returns-value]
    )
    Model(rules=asking, faults=Faults(zombie=True)).explore()
    assert len(reached) > 100
    assert reached <= known


@pytest.mark.parametrize("mutant", RULES, ids=str)
async def test_every_mutant_of_the_rules_disagrees_with_redis(
    mutant: Mutant, redis_answers: list[tuple[Case, Outcome]]
):
    assert any(by_rules(case, mutant.model.rules) != outcome for case, outcome in redis_answers)


@pytest.mark.parametrize("seed", range(4))
async def test_redis_follows_the_model_through_whole_histories(seed: int, ledger: Ledger):
    """A hundred worlds at once, each with a key of its own, each going where chance leads it, step by step."""
    chance, model = random.Random(seed), Model(faults=Faults(crashes=3, zombie=True, redrives=2))
    worlds = {event_key(f"seed {seed}", str(number)): model.start for number in range(100)}
    epoch, asked = await ledger.join(), 0
    while worlds:
        steps = {key: chance.choice(options) for key, world in worlds.items() if (options := list(model.steps(world)))}
        questions = {key: replace(s.operation, key=key) for key, s in steps.items() if s.operation is not None}
        answers, _ = await ask(ledger, epoch, list(questions.values()))
        assert answers == [steps[key].answer for key in questions]
        entries = await ledger.lookup(steps)
        assert entries == {key: step.after.entry for key, step in steps.items()}
        worlds = {key: step.after for key, step in steps.items()}
        asked += len(questions)
    assert asked > 500


@pytest.mark.parametrize("mutant", [m for m in (*RULES, *WORKERS) if m.breaks], ids=str)
async def test_the_history_that_breaks_a_mutant_is_caught_on_redis(mutant: Mutant, own_redis: RedisServer):
    history = mutant.model.explore(until=mutant.breaks).broken[mutant.breaks or ""]
    parted = await _parting(history, own_redis)
    if mutant.name in RUNS_AGREE:
        assert parted is None, "the rules were right and the worker wrong: Redis must follow, and the property breaks"
    else:
        assert parted is not None, f"Redis went along with {mutant}: {[step.name for step in history]}"


async def test_the_right_protocol_goes_through_a_wipe_on_redis_as_in_the_model(own_redis: RedisServer):
    model = Model(faults=Faults(crashes=1, zombie=True, wipes=1, redrives=1))
    refused = 0
    for seed in range(40):
        history = _walk(model, random.Random(seed))
        assert await _parting(history, own_redis) is None
        refused += sum(step.name == "settle in a past epoch" for step in history)
    assert refused > 5, "no history met the fence"


def _walk(model: Model, chance: random.Random) -> list[Step]:
    world: World = model.start
    history: list[Step] = []
    while options := list(model.steps(world)):
        history.append(chance.choice(options))
        world = history[-1].after
    return history


async def _parting(history: list[Step], server: RedisServer) -> Step | None:
    """Drive a history through a real Redis; return the first step at which it answers or ends otherwise."""
    async with Redis.from_url(server.url) as raw:
        await raw.flushall()
        ledger = RedisLedger(server.url, cluster="model", service="payments")
        epochs = [await ledger.join()]
        try:
            for step in history:
                if step.name == "wipe":
                    await raw.flushall()
                    epochs.append(await ledger.join())
                if step.operation is not None and await _answer(ledger, epochs[step.epoch], step) != step.answer:
                    return step
                if (await ledger.lookup([KEY]))[KEY] != step.after.entry:
                    return step
        finally:
            await ledger.close()
    return None


async def _answer(ledger: Ledger, epoch: str, step: Step) -> Verdict | bool | None:
    assert step.operation is not None
    try:
        answers, _ = await ask(ledger, epoch, [step.operation])
    except EpochChangedError:
        return None
    return answers[0]


@pytest_asyncio.fixture
async def redis_answers(redis_ledger: RedisLedger) -> list[tuple[Case, Outcome]]:
    """What the real script answers to the questions of fewer places and attempts: enough for every rule."""
    asked = cases(attempts=range(3), places=PLACES[:3])
    given = await by_ledger(redis_ledger, await redis_ledger.join(), asked, run="mutants")
    return list(zip(asked, given, strict=True))
