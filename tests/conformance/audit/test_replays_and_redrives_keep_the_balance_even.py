"""An audit beside replays and redrives: what they send is judged under a key of its own, and never named lost.

A replay `again` puts records on the redelivery topic whose events were settled long ago; its retries and dead letters
lie beside those of the events themselves. The balance counts each of them once more, and stays even: while they wait,
after they ran or were skipped, after some died, also when Redis has forgotten. What the replay itself loses is named.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from audited import Audited, counts, kinds
from farandole import Backoff, Delivery, Service, UnitOfWork
from farandole.dead_letters import operation_headers
from farandole.delivery import Replay
from farandole.engine.ports import Message
from sqlalchemy import Column, MetaData, String, Table
from things import Things
from world import message

REPLAY = Replay(id="r-1")
NEVER = Backoff(attempts=1)
KINDS = pytest.mark.parametrize("has_store", [False, True], ids=["without a store", "with a store"])


def service_of(mine: Things, *, has_store: bool, fails: set[str]) -> Service:
    """A service that answers, but fails on the things that are told in ``fails``, with the replay before a slash.

    What it hears as noted it leaves alone in a replay.
    """
    metadata = MetaData()
    asked_for = Table("asked", metadata, Column("thing", String, primary_key=True))
    service = Service(mine.tag, tables=metadata if has_store else None)

    def look(question, delivery: Delivery) -> None:
        if f"{delivery.replay_id}/{question.thing}" in fails:
            raise ValueError("it cannot be done")

    async def stored(question, delivery, work):
        look(question, delivery)
        await work.execute(work.insert(asked_for).values(thing=question.thing).on_conflict_do_nothing())
        return mine.answered(thing=question.thing)

    async def plain(question, delivery):
        look(question, delivery)
        return mine.answered(thing=question.thing)

    async def note(noted):
        return None

    answer = stored if has_store else plain
    answer.__annotations__ = {"question": mine.asked, "delivery": Delivery, "return": mine.answered}
    if has_store:
        answer.__annotations__["work"] = UnitOfWork
    note.__annotations__ = {"noted": mine.noted, "return": None}
    service.on(mine.asked, retry=NEVER, on_replay="run")(answer)
    service.on(mine.noted)(note)
    return service


def events(mine: Things) -> list[Message]:
    asked = [message(mine.asked(thing=f"{number}"), event_id=f"e-{number}") for number in range(10)]
    noted = [message(mine.noted(thing=f"{number}"), event_id=f"n-{number}") for number in range(5)]
    return [*asked, *noted]


def sent_again(mine: Things, sent: Iterable[Message], *further: tuple[str, bytes]) -> list[Message]:
    own = (*operation_headers(REPLAY.id, REPLAY), *further)
    topic = f"{mine.tag}.redelivery"
    return [Message(topic=topic, key=one.key, value=one.value, headers=(*one.headers, *own)) for one in sent]


async def sound(audited: Audited, **expected: int) -> int:
    """Audit, and return how many events a replay handled again."""
    report = await audited.audit()
    assert (report.findings, report.is_good) == ([], True)
    assert counts(report) == {name.replace("_", " "): count for name, count in expected.items() if count}
    (balance,) = report.balances
    assert balance.told == (f"{balance.events} ({balance.replayed} again)" if balance.replayed else f"{balance.events}")
    assert balance.document()["replayed"] == balance.replayed
    return balance.replayed


@KINDS
async def test_what_a_replay_sends_waits_runs_is_skipped_dies_and_is_redriven(run, mine, sqlite_url, has_store):
    fails = {"/3", "r-1/3", "r-1/4"}
    audited = run(service_of(mine, has_store=has_store, fails=fails), sqlite_url if has_store else "")
    await audited.start()
    sent = events(mine)
    await audited.send(*sent)
    await audited.drained()
    assert await sound(audited, done=14, dead=1) == 0

    await audited.stop()
    await audited.send(*sent_again(mine, [*sent, sent[0]]))
    assert await sound(audited, done=14, dead=1, waiting=15) == 15

    await audited.start()
    await audited.drained()
    # Event 3 is dead itself: with a store it is skipped, without one it dies in the replay too.
    dead = 2 if has_store else 3
    assert await sound(audited, done=30 - dead, dead=dead) == 15

    fails.clear()
    redrive = ("farandole_attempt", b"1"), ("farandole_round", b"1")
    plainly = Message(
        topic=f"{mine.tag}.redelivery", key=sent[3].key, value=sent[3].value, headers=(*sent[3].headers, *redrive)
    )
    await audited.stop()
    await audited.send(plainly, *sent_again(mine, [sent[4]], *redrive))
    assert await sound(audited, done=30 - dead, dead=dead - 2, retrying=2) == 15
    await audited.start()
    await audited.drained()
    assert await sound(audited, done=32 - dead, dead=dead - 2) == 15


@KINDS
async def test_when_redis_has_forgotten_the_inbox_knows_what_ran_and_what_was_skipped(run, mine, sqlite_url, has_store):
    audited = run(service_of(mine, has_store=has_store, fails=set()), sqlite_url if has_store else "")
    await audited.start()
    await audited.send(*events(mine))
    await audited.drained()
    await audited.send(*sent_again(mine, events(mine)))
    await audited.drained()
    await audited.stop()
    await audited.world.forget()
    if has_store:
        assert await sound(audited, done=30) == 15
    else:
        # Of the events that are answered the answer is a proof; of the replay's there is none.
        assert await sound(audited, done=10, not_provable=20) == 15


async def test_what_was_passed_over_is_named_with_its_replay(run, mine, sqlite_url):
    audited = run(service_of(mine, has_store=True, fails=set()), sqlite_url)
    await audited.start()
    await audited.send(*events(mine))
    await audited.drained()
    await audited.age_ledger()
    await audited.stop()
    await audited.send(*sent_again(mine, events(mine)[:2]))
    await audited.skip([f"{mine.tag}.redelivery"])
    report = await audited.audit()
    assert kinds(report) == {"e-0": "lost", "e-1": "lost"}
    assert all("replay run r-1" in finding.do for finding in report.findings)
