"""A handler with ``order="key"`` sees the events of a key in their order, whatever fails and whatever breaks meanwhile.

What fails is held back in memory, at the head of its key, its offset uncommitted: later events of the key wait behind
it, other keys go on. Each test makes an event fail, breaks something while it is held, and looks at the order in which
the events were handled in the end.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest
from farandole import Backoff, Reject, Service, UnitOfWork
from sqlalchemy import Column, Integer, MetaData, String, Table
from things import Asked, Things
from world import message

QUICK = Backoff(first=timedelta(milliseconds=40), factor=2, attempts=4)
SLOW = Backoff(first=timedelta(seconds=4), factor=1, attempts=100)


class Author:
    """Writes down what succeeded, in its order; fails on the texts that it is told to, as often as it is told."""

    def __init__(self, **failures: int) -> None:
        self.failures = failures
        self.error: type[Exception] = ValueError
        self.done: list[tuple[str, str]] = []
        self.tried: list[tuple[str, str]] = []

    def ran(self, asked: Asked) -> None:
        self.tried.append((asked.thing, asked.text))
        if self.failures.get(asked.text, 0) > 0:
            self.failures[asked.text] -= 1
            raise self.error("not yet")
        self.done.append((asked.thing, asked.text))

    def of(self, thing: str) -> list[str]:
        """The texts that were handled of a thing, each at its first time."""
        return list(dict.fromkeys(text for one, text in self.done if one == thing))


def plain(mine: Things, author: Author, *, retry: Backoff = QUICK, stops: bool = False) -> Service:
    service = Service(mine.tag)

    async def answer(question):
        author.ran(question)
        return mine.answered(thing=question.thing, text=question.text)

    answer.__annotations__ = {"question": mine.asked, "return": mine.answered}
    service.on(mine.asked, retry=retry, order="key", stops=stops)(answer)
    return service


def stored(mine: Things, author: Author, *, retry: Backoff = QUICK, stops: bool = False) -> Service:
    metadata = MetaData()
    effects = Table(
        "effects",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("thing", String),
        Column("text", String),
    )
    service = Service(mine.tag, tables=metadata)

    async def answer(question, work):
        await work.execute(effects.insert().values(thing=question.thing, text=question.text))
        author.ran(question)
        return mine.answered(thing=question.thing, text=question.text)

    answer.__annotations__ = {"question": mine.asked, "work": UnitOfWork, "return": mine.answered}
    service.on(mine.asked, retry=retry, order="key", stops=stops)(answer)
    return service


KINDS = pytest.mark.parametrize("kind", [plain, stored])


def asked(mine: Things, *names: str):
    """Messages by names such as ``a1``: the first letter is the thing, the key."""
    return [message(mine.asked(thing=name[0], text=name)) for name in names]


def answers(world, mine: Things) -> dict[str, list[str]]:
    """The answers of each thing in their order, as whoever drops duplicates by id sees them."""
    seen, found = set(), defaultdict(list)
    for one in world.read(mine.answered.avro.topic):
        if one.headers["ce_id"] not in seen:
            seen.add(one.headers["ce_id"])
            found[one.key.decode()].append(one.value[6:].decode().split("\x04")[-1])
    return found


async def soon(condition) -> None:
    """Wait, without letting a manual clock move, until a condition holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what the service does has no event to wait for
            await asyncio.sleep(0.005)


@KINDS
async def test_what_fails_holds_back_its_key_and_no_other(run, mine, kind):
    author = Author(a1=2)
    world = run(kind(mine, author))
    await world.start()
    await world.send(*asked(mine, "a1", "b1", "a2", "b2", "a3"))
    await world.until(lambda: len(author.done) == 5)
    assert author.of("a") == ["a1", "a2", "a3"]
    assert author.of("b") == ["b1", "b2"]
    assert author.tried.count(("a", "a1")) == 3
    assert answers(world, mine)["a"] == ["a1", "a2", "a3"]


@KINDS
async def test_other_keys_are_done_while_one_is_held(run, mine, kind):
    author = Author(a1=1)
    world = run(kind(mine, author, retry=SLOW))
    await world.start()
    await world.send(*asked(mine, "a1", "a2", "b1", "c1"))
    await soon(lambda: {("b", "b1"), ("c", "c1")} <= set(author.done))
    assert author.of("a") == []
    await world.until(lambda: len(author.done) == 4)
    assert author.of("a") == ["a1", "a2"]


@KINDS
@pytest.mark.parametrize("wiped", [False, True], ids=["crash", "crash and wipe"])
async def test_a_crash_while_a_key_is_held_changes_nothing_of_its_order(run, mine, kind, wiped):
    author = Author(a1=1)
    world = run(kind(mine, author, retry=SLOW))
    await world.start()
    await world.send(*asked(mine, "a1", "a2", "b1", "a3"))
    await soon(lambda: ("b", "b1") in author.done and ("a", "a1") in author.tried)
    await world.crash()
    if wiped:
        await world.forget()
    await world.start()
    await world.until(lambda: len(author.of("a")) == 3)
    assert author.of("a") == ["a1", "a2", "a3"]
    assert answers(world, mine)["a"] == ["a1", "a2", "a3"]


@KINDS
async def test_a_wiped_ledger_while_a_key_is_held_changes_nothing_of_its_order(run, mine, kind):
    author = Author(a2=1)
    world = run(kind(mine, author, retry=SLOW))
    await world.start()
    await world.send(*asked(mine, "a1", "a2", "b1", "a3"))
    await soon(lambda: ("b", "b1") in author.done and ("a", "a2") in author.tried)
    await world.forget()
    await world.send(*asked(mine, "a4"))
    await world.until(lambda: len(author.of("a")) == 4)
    assert author.of("a") == ["a1", "a2", "a3", "a4"]
    assert answers(world, mine)["a"] == ["a1", "a2", "a3", "a4"]


@KINDS
async def test_after_a_dead_letter_the_key_goes_on(run, mine, kind):
    author = Author(a1=99)
    world = run(kind(mine, author))
    await world.start()
    await world.send(*asked(mine, "a1", "a2"))
    await world.until(lambda: author.of("a") == ["a2"])
    (dead,) = world.read(f"{mine.tag}.dlq")
    assert dead.headers["farandole_attempt"] == "0"
    assert author.tried.count(("a", "a1")) == QUICK.attempts


@pytest.mark.parametrize("error", [ValueError, Reject])
@KINDS
async def test_a_key_that_stops_waits_for_its_event_however_long_it_takes(run, mine, kind, error):
    author = Author(a1=7)
    author.error = error
    retry = Backoff(first=timedelta(milliseconds=20), factor=2, attempts=3, longest=timedelta(milliseconds=80))
    world = run(kind(mine, author, retry=retry, stops=True))
    await world.start()
    await world.send(*asked(mine, "a1", "b1", "a2"))
    await world.until(lambda: author.of("a") == ["a1", "a2"])
    assert author.of("b") == ["b1"]
    assert world.read(f"{mine.tag}.dlq") == []
    assert author.tried.count(("a", "a1")) == 8


@KINDS
async def test_the_same_event_twice_behind_a_held_one_is_handled_once(run, mine, kind):
    author = Author(a1=2)
    world = run(kind(mine, author))
    await world.start()
    first, second = asked(mine, "a1", "a2")
    await world.send(first, second, first, second)
    await world.until(lambda: world.lag() == 0 and len(author.done) >= 2)
    assert author.done == [("a", "a1"), ("a", "a2")]
