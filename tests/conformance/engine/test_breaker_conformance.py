"""An outside system goes away and comes back, on the harness and on a real Kafka and Redis alike.

However often its handler fails for the system's sake, nothing reaches a retry tier or a dead-letter topic, the records
wait uncommitted, and each is answered once when the system is back. A worker that dies meanwhile changes nothing.
"""

from __future__ import annotations

from datetime import timedelta

from farandole import Dependency, DependencyError, Service
from things import Things
from world import World, message

QUESTIONS = 30


class Oracle:
    """A system outside that answers, or is away."""

    def __init__(self) -> None:
        self.away = True
        self.calls = 0

    def ask(self) -> None:
        self.calls += 1
        if self.away:
            raise DependencyError("the oracle is silent")


def asking(mine: Things, oracle: Oracle) -> Service:
    """A service that answers with the oracle's help. Its dependency is its own, as one Redis serves all tests."""
    service = Service(mine.tag)
    answered = mine.answered
    dependency = Dependency(
        mine.tag,
        probe_interval=timedelta(milliseconds=200),
        first_rate=50,
        ramp=timedelta(seconds=1),
    )

    async def answer(question):
        oracle.ask()
        return answered(thing=question.thing, text=question.text)

    answer.__annotations__ = {"question": mine.asked, "return": answered}
    # A worker that dies with the lease of a probe holds the next one up for as long as this.
    service.on(mine.asked, depends_on=dependency, timeout=timedelta(seconds=1))(answer)
    return service


def nothing_was_given_up(world: World, mine: Things) -> bool:
    private = (f"{mine.tag}.retry.1", f"{mine.tag}.dlq")
    return [world.read(topic) for topic in private] == [[], []]


def questions(mine: Things):
    return [message(mine.asked(thing=f"t-{number}")) for number in range(QUESTIONS)]


async def probed(world: World, oracle: Oracle) -> None:
    """Wait until the oracle was asked in vain by as many as may at once, and three times more: by then it is open."""
    already = oracle.calls
    at_once = 0 if already else 16
    await world.passing(lambda: oracle.calls >= already + at_once + 3)


async def test_an_outage_is_waited_for(run, mine: Things):
    oracle = Oracle()
    world: World = run(asking(mine, oracle))
    await world.start()
    await world.send(*questions(mine))
    await probed(world, oracle)
    assert world.read(mine.answered.avro.topic) == []
    oracle.away = False
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == QUESTIONS)
    assert nothing_was_given_up(world, mine)
    assert oracle.calls < 3 * QUESTIONS


async def test_a_worker_that_dies_in_an_outage_leaves_all_of_it_to_the_next(run, mine: Things):
    oracle = Oracle()
    world: World = run(asking(mine, oracle))
    await world.start()
    await world.send(*questions(mine))
    await probed(world, oracle)
    await world.crash()
    before = oracle.calls
    await world.start()
    await probed(world, oracle)
    assert oracle.calls <= before + 10, "the new worker did not hear that the breaker is open"
    oracle.away = False
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == QUESTIONS)
    assert nothing_was_given_up(world, mine)
