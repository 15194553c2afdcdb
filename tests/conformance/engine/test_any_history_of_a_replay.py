"""Whatever comes between an event and its replays, in whatever order, each has its effect once or says why not.

Hypothesis draws copies of the event and of two replays of it, one with a cascade, handlers that fail for a while,
crashes before a publish and before a settle, and a ledger that forgets. In the end inbox, effects, what was published
and the dead letters have to agree with one another.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from farandole.delivery import Replay
from farandole.engine.ports import Message
from farandole.identity import replayed_id
from hypothesis import given, settings
from hypothesis import strategies as st
from test_an_event_is_handled_again import Author, again, answer_id, answers, asked, stored
from things import Things, things
from world import MemoryWorld, Step

QUIETLY, WITH_CASCADE = Replay(id="r-1"), Replay(id="r-2", cascade=True)
KEYS = {"event": "e-1", "again": "e-1\x1fr-1", "cascade": "e-1\x1fr-2"}
RUNS = {"event": "live", "again": "r-1", "cascade": "r-2"}
STEPS = [*KEYS, "fail", "work", "stuck publishing", "stuck settling", "forget"]
EXAMPLES = 400 if os.environ.get("FARANDOLE_LONG") == "1" else 8


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=3, max_size=12))
def test_every_history_ends_with_books_that_agree(steps: Sequence[str]):
    asyncio.run(played(steps))


async def played(steps: Sequence[str]) -> None:
    mine, author = things(f"h{uuid.uuid4().hex[:8]}"), Author()
    with TemporaryDirectory() as folder:
        world = MemoryWorld(stored(mine, author), Path(folder))
        await world.start()
        for step in steps:
            await taken(world, mine, author, step)
        author.fails.clear()
        await world.until(lambda: world.lag() == 0)
        agree(world, mine, sent={step for step in steps if step in KEYS})
        await world.crash()


async def taken(world: MemoryWorld, mine: Things, author: Author, step: str) -> None:
    match step:
        case "fail":
            author.fails |= set(RUNS.values())
        case "work":
            author.fails.clear()
        case "forget":
            await world.forget()
        case "stuck publishing":
            await interrupted(world, mine, "publish")
        case "stuck settling":
            await interrupted(world, mine, "settle")
        case _:
            await world.send(record(mine, step))
            await asyncio.sleep(0.002)


async def interrupted(world: MemoryWorld, mine: Things, step: Step) -> None:
    """Crash the service where it is, or a little later when it takes that step for one of three records."""
    reached = world.stuck_at(step)
    await world.send(*(record(mine, kind) for kind in KEYS if world.rows("SELECT 1 FROM farandole_inbox")))
    try:
        async with asyncio.timeout(0.05):
            await reached.wait()
    except TimeoutError:
        pass
    await world.crash()
    await world.start()


def record(mine: Things, kind: str) -> Message:
    return asked(mine) if kind == "event" else again(mine, QUIETLY if kind == "again" else WITH_CASCADE)


def agree(world: MemoryWorld, mine: Things, *, sent: set[str]) -> None:
    rows = dict(world.rows("SELECT event_id, state FROM farandole_inbox"))
    effects = sum(times for (times,) in world.rows("SELECT times FROM asked"))
    assert effects == sum(state == "handled" for state in rows.values())
    assert {KEYS[kind] for kind in sent} <= set(rows)
    published = set(answers(world, mine))
    own, cascaded = answer_id(mine), replayed_id(answer_id(mine), replay_id="r-2")
    assert published <= {own, cascaded}
    assert (own in published) == (rows.get("e-1") == "handled")
    assert (cascaded in published) == (rows.get(KEYS["cascade"]) == "handled")
    dead = {letter.headers.get("farandole_replay", "live") for letter in world.read(f"{mine.tag}.dlq")}
    assert {RUNS[kind] for kind, key in KEYS.items() if rows.get(key) == "tombstone"} <= dead
