"""What a stranger may write to a topic, and what becomes of it; nothing ever waits behind it.

Each bad record of the catalogue is sent with two honest ones right behind it, one under the same key and one under
another. The honest ones are handled at once; the bad one ends as the catalogue says, is counted as that, and where it
ends as a dead letter it lies there with the bytes, the key and the headers that it came with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from bad_records import Bad, Becomes, bad_records
from farandole import Delivery, Service, UnitOfWork
from farandole.engine.ports import Message
from farandole.headers import ID, SOURCE, TYPE
from sqlalchemy import MetaData
from things import Answered, Asked, Noted, Things
from world import Seen, World, message

PROMPTLY = 5.0
"""Seconds; on a machine that does much else."""


def listener(mine: Things, heard: Counter[str]) -> Service:
    """A service without a store that hears two types, each on its topic."""
    service = Service(mine.tag)

    async def hear(question: Asked, delivery: Delivery) -> Answered:
        heard[delivery.event_id] += 1
        return mine.answered(thing=question.thing)

    async def note(noted: Noted) -> None:
        heard["noted"] += 1

    hear.__annotations__ |= {"question": mine.asked, "return": mine.answered}
    note.__annotations__ |= {"noted": mine.noted}
    service.on(mine.asked)(hear)
    service.on(mine.noted)(note)
    return service


def keeper(mine: Things, heard: Counter[str]) -> Service:
    """The same with a store: an inbox row an event, a tombstone a dead letter."""
    service = Service(mine.tag, tables=MetaData())

    async def hear(question: Asked, delivery: Delivery, work: UnitOfWork) -> Answered:
        heard[delivery.event_id] += 1
        return mine.answered(thing=question.thing)

    async def note(noted: Noted, work: UnitOfWork) -> None:
        heard["noted"] += 1

    hear.__annotations__ |= {"question": mine.asked, "return": mine.answered}
    note.__annotations__ |= {"noted": mine.noted}
    service.on(mine.asked)(hear)
    service.on(mine.noted)(note)
    return service


@pytest.mark.parametrize("kind", [listener, keeper], ids=["without a store", "with a store"])
async def test_every_bad_record_ends_as_it_must_and_what_is_behind_it_is_handled(run, mine, kind):
    heard: Counter[str] = Counter()
    world: World = run(kind(mine, heard))
    await world.start()
    bad = bad_records(mine)
    counted = [await _counted_otherwise(world, mine, one, heard) for one in bad]
    assert list(filter(None, counted)) == []
    await world.until(lambda: world.lag() == 0)
    dead = [one for one in bad if one.row.becomes in {Becomes.DEAD_LETTER, Becomes.BARE_DEAD_LETTER}]
    letters = world.read(f"{mine.tag}.dlq")
    assert len(letters) == len(dead)
    assert list(filter(None, map(_told_otherwise, dead, letters))) == []
    assert max(heard.values()) == 1


async def _counted_otherwise(world: World, mine: Things, bad: Bad, heard: Counter[str]) -> str:
    """Send a bad record and two honest ones behind it; say what was counted, where that is not what must be."""
    before, behind = _totals(world), _behind(mine, bad)
    expected = _expected(bad, behind)
    await world.send_as_a_stranger(*bad.before, bad.record)
    await world.send(*behind)
    try:
        await world.soon(lambda: all(heard[one] for one in _ids(behind)), PROMPTLY)
        await world.soon(lambda: (_totals(world) - before).total() >= expected.total(), PROMPTLY)
    except TimeoutError:
        return f"{bad.name}: what is behind it waits, {dict(_totals(world) - before)}"
    counted = _totals(world) - before
    return "" if counted == expected else f"{bad.name}: {dict(counted)}"


def _behind(mine: Things, bad: Bad) -> Sequence[Message]:
    same = message(mine.asked(thing=f"behind {bad.name}"))
    key = bad.record.key if len(bad.record.key or b"") < 1_000 else b"k"
    return (replace(same, key=key), message(mine.asked(thing=f"elsewhere behind {bad.name}")))


def _ids(messages: Sequence[Message]) -> list[str]:
    return [dict(one.headers)["ce_id"].decode() for one in messages]


def _totals(world: World) -> Counter[str]:
    totals = world.totals()
    return Counter(
        handled=totals.handled,
        dropped=totals.dropped,
        retried=totals.retried,
        dead=totals.dead,
        conflicting=totals.conflicting,
    )


def _expected(bad: Bad, behind: Sequence[Message]) -> Counter[str]:
    counted = Counter(handled=len(behind) + len(bad.before))
    match bad.row.becomes:
        case Becomes.HANDLED:
            counted["handled"] += 1
        case Becomes.DROPPED:
            counted |= {"dropped": 1, "conflicting": 1}
        case Becomes.DEAD_LETTER | Becomes.BARE_DEAD_LETTER:
            counted["dead"] += 1
        case Becomes.PASSED_OVER:
            pass
    return counted


def _told_otherwise(bad: Bad, letter: Seen) -> str:
    """Say what is wrong with a dead letter, or nothing."""
    record, told = bad.record, letter.headers
    if bad.row.error and told["farandole_error_class"] != bad.row.error:
        return f"{bad.name}: {told['farandole_error_class']}"
    if not told["farandole_error_message"] or not told["farandole_origin"].startswith(f"{record.topic}|"):
        return f"{bad.name}: it does not say what, or where"
    if bad.row.becomes is Becomes.BARE_DEAD_LETTER:
        return "" if (letter.key, letter.value) == (None, None) else f"{bad.name}: {len(letter.value or b'')} bytes"
    if (letter.key, letter.value) != (record.key, record.value):
        return f"{bad.name}: other bytes"
    other = {ID, SOURCE, TYPE} if bad.row.disbelieved else set()
    missing = [pair for pair in record.headers if pair not in letter.pairs and pair[0] not in other]
    return f"{bad.name}: without {missing}" if missing else ""
