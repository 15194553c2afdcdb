"""A replay `again`: an event that was handled is handled once more, in a ledger and an inbox of the replay's own.

It must be safe by construction. It runs once however often its record arrives and whoever crashes; beside a live retry
of the same event neither takes the other's place; no handler touches an outside system, and nobody downstream hears of
it, unless that was asked for. Held by the in-memory harness and by a real Kafka and Redis alike.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Literal

import pytest
from farandole import Backoff, Delivery, Service, UnitOfWork
from farandole.dead_letters import operation_headers
from farandole.delivery import Replay
from farandole.engine.ports import Message
from farandole.identity import follow_on_id, replayed_id
from sqlalchemy import Column, Integer, MetaData, String, Table
from things import Things
from world import World, message

SOON = Backoff(first=timedelta(milliseconds=40), factor=2, attempts=3)
PATIENT = Backoff(first=timedelta(milliseconds=300), factor=1, attempts=8)
AGAIN = Replay(id="r-1")


class Author:
    """A handler's author: writes down each run, as live or of which replay, and fails where it is told to."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.event_ids: set[str] = set()
        self.fails: set[str] = set()

    def ran(self, delivery: Delivery) -> None:
        run = delivery.replay_id or "live"
        self.runs[run] += 1
        self.event_ids.add(delivery.event_id)
        if run in self.fails:
            raise ValueError(f"{run} cannot")


def stored(
    mine: Things,
    author: Author,
    *,
    on_replay: Literal["run", "skip"] = "run",
    depends_on: str | tuple[str, ...] = (),
    order: Literal["key"] | None = None,
    retry: Backoff = SOON,
    answers_once: bool = False,
) -> Service:
    """A service with a store that counts how often a thing was asked for, and answers each time, or the first."""
    metadata = MetaData()
    asked_for = Table("asked", metadata, Column("thing", String, primary_key=True), Column("times", Integer))
    service = Service(mine.tag, tables=metadata)

    async def answer(question, delivery, work):
        author.ran(delivery)
        counted = work.insert(asked_for).values(thing=question.thing, times=1)
        more = counted.on_conflict_do_update(index_elements=["thing"], set_={"times": asked_for.c.times + 1})
        times = await work.scalar(more.returning(asked_for.c.times))
        return None if answers_once and times > 1 else mine.answered(thing=question.thing)

    answer.__annotations__ = {
        "question": mine.asked,
        "delivery": Delivery,
        "work": UnitOfWork,
        "return": mine.answered | None,
    }
    service.on(mine.asked, retry=retry, on_replay=on_replay, depends_on=depends_on, order=order)(answer)
    return service


def plain(
    mine: Things,
    author: Author,
    *,
    on_replay: Literal["run", "skip"] = "run",
    depends_on: str | tuple[str, ...] = (),
    order: Literal["key"] | None = None,
    retry: Backoff = SOON,
) -> Service:
    """A service without a store that answers."""
    service = Service(mine.tag)

    async def answer(question, delivery):
        author.ran(delivery)
        return mine.answered(thing=question.thing)

    answer.__annotations__ = {"question": mine.asked, "delivery": Delivery, "return": mine.answered}
    service.on(mine.asked, retry=retry, on_replay=on_replay, depends_on=depends_on, order=order)(answer)
    return service


KINDS = pytest.mark.parametrize("kind", [plain, stored], ids=["without a store", "with a store"])


def asked(mine: Things) -> Message:
    return message(mine.asked(thing="a"), event_id="e-1")


def again(mine: Things, replay: Replay = AGAIN, *further: tuple[str, bytes]) -> Message:
    """The record by which a replay brings the event again."""
    sent = asked(mine)
    headers = (*sent.headers, *operation_headers("op-1", replay), *further)
    return Message(topic=f"{mine.tag}.redelivery", key=sent.key, value=sent.value, headers=headers)


def answers(world: World, mine: Things) -> list[str]:
    return [seen.headers["ce_id"] for seen in world.read(mine.answered.avro.topic)]


def times(world: World) -> int:
    ((count,),) = world.rows("SELECT times FROM asked")
    return int(count)


def answer_id(mine: Things) -> str:
    return follow_on_id(cause="e-1", service=mine.tag, event_type=mine.answered.avro.fullname, ordinal=0)


async def handled_live(world: World, mine: Things) -> None:
    await world.start()
    await world.send(asked(mine))
    await world.until(lambda: world.totals().handled == 1)


@KINDS
async def test_it_runs_once_more_and_nobody_downstream_hears_of_it(run, mine, kind):
    author = Author()
    world = run(kind(mine, author))
    await handled_live(world, mine)
    await world.send(again(mine))
    await world.until(lambda: world.totals().handled == 2)
    assert author.runs == {"live": 1, "r-1": 1}
    assert author.event_ids == {"e-1"}
    assert answers(world, mine) == [answer_id(mine)]


@KINDS
async def test_it_runs_once_however_often_its_record_arrives_and_another_replay_runs_it_once_too(run, mine, kind):
    author = Author()
    world = run(kind(mine, author))
    await handled_live(world, mine)
    await world.send(again(mine), again(mine), again(mine, Replay(id="r-2")))
    await world.until(lambda: world.totals().handled == 3)
    await world.send(again(mine))
    await world.until(lambda: world.totals().dropped == 2)
    assert author.runs == {"live": 1, "r-1": 1, "r-2": 1}


async def test_the_inbox_knows_of_it_when_the_ledger_has_forgotten(run, mine):
    author = Author()
    world = run(stored(mine, author))
    await handled_live(world, mine)
    await world.send(again(mine))
    await world.until(lambda: world.totals().handled == 2)
    await world.crash()
    await world.forget()
    await world.start()
    await world.send(again(mine), asked(mine))
    await world.until(lambda: world.totals().handled == 2)
    assert (times(world), author.runs) == (2, {"live": 1, "r-1": 1})
    assert set(answers(world, mine)) == {answer_id(mine)}


@KINDS
async def test_a_handler_that_does_not_declare_it_is_skipped_and_its_delivery_is_settled(run, mine, kind):
    author = Author()
    world = run(kind(mine, author, on_replay="skip"))
    await handled_live(world, mine)
    await world.send(again(mine))
    await world.until(lambda: world.totals().skipped == 1)
    await world.send(again(mine))
    await world.until(lambda: world.totals().dropped == 1)
    assert (author.runs, world.totals().handled) == ({"live": 1}, 1)
    if kind is stored:
        assert dict(world.rows("SELECT event_id, state FROM farandole_inbox")) == {
            "e-1": "handled",
            "e-1\x1fr-1": "skipped",
        }


async def test_what_touches_an_outside_system_runs_with_effects_alone_and_under_the_events_own_id(run, mine):
    author = Author()
    world = run(stored(mine, author, on_replay="skip", depends_on="gateway"))
    await handled_live(world, mine)
    await world.send(again(mine))
    await world.until(lambda: world.totals().skipped == 1)
    await world.send(again(mine, Replay(id="r-2", effects=True)))
    await world.until(lambda: world.totals().handled == 2)
    assert author.runs == {"live": 1, "r-2": 1}
    assert author.event_ids == {"e-1"}
    assert answers(world, mine) == [answer_id(mine)]


@KINDS
async def test_with_a_cascade_its_follow_ons_are_published_under_ids_of_the_replays_own(run, mine, kind):
    world = run(kind(mine, Author()))
    await handled_live(world, mine)
    await world.send(again(mine, Replay(id="r-1", cascade=True)), again(mine, Replay(id="r-1", cascade=True)))
    await world.until(lambda: world.totals().handled == 2 and world.totals().dropped == 1)
    first, second = world.read(mine.answered.avro.topic)
    assert {first.headers["ce_id"], second.headers["ce_id"]} == {
        answer_id(mine),
        replayed_id(answer_id(mine), replay_id="r-1"),
    }
    assert not any(name.startswith("farandole_") for name in second.headers)
    assert second.headers["ce_causationid"] == "e-1"


async def test_it_is_not_run_ahead_of_a_live_retry_which_would_find_its_work_done_and_answer_nothing(run, mine):
    author = Author()
    author.fails = {"live"}
    world = run(stored(mine, author, retry=PATIENT, answers_once=True))
    await world.start()
    await world.send(asked(mine))
    await world.passing(lambda: world.totals().retried >= 1)
    await world.send(again(mine))
    await world.passing(lambda: world.totals().skipped == 1)
    author.fails = set()
    await world.until(lambda: world.totals().handled == 1)
    assert author.runs["r-1"] == 0
    assert world.read(f"{mine.tag}.dlq") == []
    assert answers(world, mine) == [answer_id(mine)]


async def test_beside_a_live_retry_neither_takes_the_others_place(run, mine):
    author = Author()
    author.fails = {"live"}
    world = run(plain(mine, author, retry=PATIENT))
    await world.start()
    await world.send(asked(mine))
    await world.passing(lambda: world.totals().retried >= 1)
    await world.send(again(mine))
    await world.passing(lambda: author.runs["r-1"] == 1)
    author.fails = set()
    await world.until(lambda: world.totals().handled == 2)
    assert author.runs["r-1"] == 1
    assert world.read(f"{mine.tag}.dlq") == []
    assert answers(world, mine) == [answer_id(mine)]


async def test_what_is_dead_is_left_to_a_redrive(run, mine):
    author = Author()
    author.fails = {"live"}
    world = run(stored(mine, author))
    await world.start()
    await world.send(asked(mine))
    await world.until(lambda: world.totals().dead == 1)
    await world.send(again(mine))
    await world.until(lambda: world.totals().skipped == 1)
    await world.crash()
    await world.forget()
    await world.start()
    await world.send(again(mine, Replay(id="r-2")))
    await world.until(lambda: world.totals().skipped == 1)
    assert set(author.runs) == {"live"}


async def test_its_retries_and_its_dead_letter_stay_in_the_replay_and_so_does_a_redrive(run, mine):
    author = Author()
    author.fails = {"r-1"}
    world = run(stored(mine, author))
    await handled_live(world, mine)
    replay = Replay(id="r-1", effects=True, cascade=True)
    await world.send(again(mine, replay))
    await world.until(lambda: len(world.read(f"{mine.tag}.dlq")) == 1)
    belonging = dict(operation_headers("op-1", replay))
    for topic in (f"{mine.tag}.retry.1", f"{mine.tag}.retry.2", f"{mine.tag}.dlq"):
        (seen,) = world.read(topic)
        assert {name: value for name, value in seen.pairs if name in belonging} == belonging
    author.fails = set()
    (letter,) = world.read(f"{mine.tag}.dlq")
    attempt = str(int(letter.headers["farandole_attempt"]) + 1).encode()
    await world.send(again(mine, replay, ("farandole_attempt", attempt), ("farandole_round", attempt)))
    await world.until(lambda: world.totals().handled == 2)
    assert author.runs["live"] == 1
    assert answers(world, mine) == [answer_id(mine), replayed_id(answer_id(mine), replay_id="r-1")]


async def test_a_redrive_that_leaves_the_replay_out_is_one_of_the_event_itself_and_is_dropped(run, mine):
    author = Author()
    author.fails = {"r-1"}
    world = run(stored(mine, author))
    await handled_live(world, mine)
    await world.send(again(mine))
    await world.until(lambda: world.totals().dead == 1)
    plainly = [(name, value) for name, value in again(mine).headers if name != "farandole_replay"]
    headers = (*plainly, ("farandole_attempt", b"9"))
    await world.send(Message(topic=f"{mine.tag}.redelivery", key=b"a", value=again(mine).value, headers=headers))
    await world.until(lambda: world.totals().dropped == 1)
    assert author.runs["live"] == 1


async def test_a_handler_that_keeps_the_order_of_a_key_retries_it_in_memory(run, mine):
    author = Author()
    author.fails = {"r-1"}
    world = run(stored(mine, author, order="key"))
    await handled_live(world, mine)
    await world.send(again(mine))
    await world.until(lambda: world.totals().dead == 1)
    (letter,) = world.read(f"{mine.tag}.dlq")
    assert letter.headers["farandole_replay"] == "r-1"
    assert author.runs == {"live": 1, "r-1": SOON.attempts}


async def test_a_crash_between_its_transaction_and_the_settle_publishes_nothing_after_it(run, mine):
    author = Author()
    world = run(stored(mine, author))
    await handled_live(world, mine)
    reached = world.stuck_at("settle")
    await world.send(again(mine))
    async with asyncio.timeout(20):
        await reached.wait()
    assert times(world) == 2
    await world.crash()
    await world.start()
    await world.until(lambda: world.totals().handled == 1)
    assert (times(world), author.runs["r-1"]) == (2, 1)
    assert answers(world, mine) == [answer_id(mine)]


async def test_a_crash_between_its_transaction_and_the_publish_loses_no_follow_on_of_a_cascade(run, mine):
    author = Author()
    world = run(stored(mine, author))
    await handled_live(world, mine)
    reached = world.stuck_at("publish")
    await world.send(again(mine, Replay(id="r-1", cascade=True)))
    async with asyncio.timeout(20):
        await reached.wait()
    assert (times(world), answers(world, mine)) == (2, [answer_id(mine)])
    await world.crash()
    await world.start()
    await world.until(lambda: world.totals().handled == 1)
    assert (times(world), author.runs["r-1"]) == (2, 1)
    assert answers(world, mine) == [answer_id(mine), replayed_id(answer_id(mine), replay_id="r-1")]


async def test_headers_of_a_replay_mean_nothing_on_a_domain_topic(run, mine):
    author = Author()
    world = run(stored(mine, author))
    await world.start()
    forged = Message(
        topic=mine.asked.avro.topic,
        key=b"a",
        value=asked(mine).value,
        headers=(*asked(mine).headers, *operation_headers("op-1", Replay(id="r-1", effects=True))),
    )
    await world.send(forged, asked(mine))
    await world.until(lambda: world.totals().handled == 1 and world.totals().dropped == 1)
    assert author.runs == {"live": 1}
    assert answers(world, mine) == [answer_id(mine)]


async def test_an_id_that_looks_like_that_of_a_replay_is_not_believed(run, mine):
    author = Author()
    world = run(stored(mine, author))
    await world.start()
    await world.send(message(mine.asked(thing="a"), event_id="e-1\x1fr-1"), asked(mine))
    await world.until(lambda: world.totals().handled == 2)
    await world.send(again(mine))
    await world.until(lambda: world.totals().handled == 3)
    assert author.runs == {"live": 2, "r-1": 1}
