"""History is delivered again to one service, as it was planned, and nobody else hears of it.

A service keeps a row of each run of its handlers: one that only writes state, and one that charges cards at a gateway.
Another service listens to what it says. Then, while live events keep coming in:

*again*: all that the first one handled is replayed to it. The replayer is killed half way, and so is the service; the
replay is taken up again with the same command. In the end the handler of state has run once more for each event, the
one with effects not at all, and there is nothing new for anybody downstream.

*missing*: somebody has moved the offsets of the service past events that it never saw. A replay brings these, and
these only, with all their effects; a second plan of the same finds that they have been handled since.

What the plans foretell is what comes, to the last event.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from farandole.testing.backend import Backend
from redis.asyncio import Redis

sys.path.insert(0, str(Path(__file__).parent))
from mischief import LONG
from replay_mesh import ReplayMesh, bought, counted, unheard
from replayed_service import DOWNSTREAM, REPLAYED

LIVE = 1_000_000
"""The numbers of the events that come in while something is replayed."""


@pytest.fixture
async def mesh(own_backend: Backend, tmp_path: Path) -> AsyncIterator[ReplayMesh]:
    found = ReplayMesh(own_backend, tmp_path)
    yield found
    found.end()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("events", [300, pytest.param(10_000, marks=LONG)])
async def test_what_was_handled_is_handled_again_and_nobody_else_hears_of_it(
    mesh: ReplayMesh, own_backend: Backend, events: int
) -> None:
    cards = events // 10
    await mesh.begin(REPLAYED, DOWNSTREAM)
    await mesh.send([*counted(0, events), *bought(0, cards), *unheard(0, 7)])
    await mesh.until("all is handled", lambda: mesh.runs() == {"note": events, "charge": cards})
    await mesh.until("all is heard", lambda: mesh.runs(DOWNSTREAM) == {"listen": events + cards})

    async with live(mesh) as sent:
        planned = await mesh.says(
            "replay", "plan", "--service", REPLAYED, "--mode", "again", "--json", "--rate", f"{events / 2}"
        )
        assert planned.code == 3, planned.err
        plan = planned.document
        assert plan["matched"] == sum(
            plan[fate] for fate in ("would_run", "handled", "on_their_way", "skipped", "unheard")
        )
        assert (plan["skipped"], plan["unheard"], plan["handled"], plan["outside"]) == (cards, 7, 0, 0)
        assert events <= plan["would_run"] <= events + len(sent)
        (foreseen,) = plan["follow_ons"]
        assert (foreseen["count"], foreseen["from_inbox"], foreseen["new"]) == (plan["would_run"], plan["would_run"], 0)

        words = ("replay", "run", plan["plan"], "--reason", "the bug of Monday is fixed", "--yes", "--json")
        first = mesh.begins_to_say(*words)
        await mesh.until("a part is run", lambda: again(mesh, plan["plan"]) > events // 5)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        mesh.kill(REPLAYED)
        part = again(mesh, plan["plan"])
        assert 0 < part < plan["would_run"]
        assert (await mesh.says("replay", "status", plan["plan"], "--json")).document["planned"] == plan["would_run"]
        async with Redis.from_url(own_backend.redis_url) as redis:  # the lease of whoever was killed runs out
            await redis.delete(*[key async for key in redis.scan_iter("*:operation")])
        mesh.start(REPLAYED)
        ended = await mesh.says(*words)
    assert ended.code == 0, ended.err
    receipt = ended.document
    assert receipt["state"] == "finished"
    assert receipt["sent"] == plan["would_run"]
    assert receipt["outcome"] == {"done": plan["would_run"], "dead": 0, "retrying": 0, "waiting": 0}
    assert receipt["why"] == "the bug of Monday is fixed"

    noted = events + cards + len(sent)
    await mesh.until("the live ones are heard", lambda: mesh.runs(DOWNSTREAM) == {"listen": noted})
    assert mesh.runs() == {"note": events + len(sent) + plan["would_run"], "charge": cards}
    assert mesh.charges() == cards
    assert len({one["ce_id"] for one in mesh.records("replay-noted")}) == noted
    origins = Counter(one["farandole_origin"] for one in mesh.records(f"{REPLAYED}.redelivery"))
    assert set(origins.values()) == {1}
    assert len(origins) == plan["would_run"]
    audited = await mesh.says("audit", "--json", "--service", REPLAYED, "--service", DOWNSTREAM)
    assert audited.code == 0, audited.out

    once_more = await mesh.says(*words)
    assert once_more.code == 0
    assert "nothing was done" in once_more.err
    assert mesh.runs()["note"] == events + len(sent) + plan["would_run"]
    assert (await mesh.says("replay", "ls", "--json")).document["replays"][0]["state"] == "finished"


@pytest.mark.timeout(300)
async def test_what_was_missed_is_handled_once_with_all_its_effects(mesh: ReplayMesh) -> None:
    await mesh.begin(REPLAYED, DOWNSTREAM)
    await mesh.send([*counted(0, 50), *bought(0, 5)])
    await mesh.until("all is handled", lambda: mesh.runs() == {"note": 50, "charge": 5})
    mesh.stop(REPLAYED)
    await mesh.send([*counted(50, 30), *bought(5, 4)])
    mesh.skip_everything()
    mesh.start(REPLAYED)
    async with live(mesh) as sent:
        await mesh.until("it works again", lambda: mesh.runs().get("note", 0) > 50)
        plans = [await mesh.says("replay", "plan", "--service", REPLAYED, "--json") for _ in range(2)]
        for planned in plans:
            assert planned.code == 3, planned.err
            plan = planned.document
            assert plan["matched"] == plan["handled"] + plan["on_their_way"] + plan["would_run"]
            assert (plan["would_run"], plan["outside"], plan["not_provable"], plan["dead"]) == (34, 4, 0, 0)
            (foreseen,) = plan["follow_ons"]
            assert (foreseen["count"], foreseen["new"], foreseen["from_signature"]) == (34, 34, 34)
        ids = [planned.document["plan"] for planned in plans]
        ran = await mesh.says("replay", "run", ids[0], "--reason", "offsets were moved", "--yes", "--json")
        assert ran.code == 0, ran.err
        assert ran.document["outcome"]["done"] == 34
        late = await mesh.says("replay", "run", ids[1], "--reason", "offsets were moved", "--yes", "--json")
        assert late.code == 0, late.err
        assert (late.document["sent"], late.document["since_the_plan"]) == (0, {"handled": 34})
    noted = 55 + 34 + len(sent)
    await mesh.until("the live ones are heard", lambda: mesh.runs(DOWNSTREAM) == {"listen": noted})
    assert mesh.runs() == {"note": 80 + len(sent), "charge": 9}
    assert mesh.charges() == 9
    done = await mesh.says("replay", "plan", "--service", REPLAYED)
    assert done.code == 0, done.err
    audited = await mesh.says("audit", "--json", "--service", REPLAYED, "--service", DOWNSTREAM)
    assert audited.code == 0, audited.out


@asynccontextmanager
async def live(mesh: ReplayMesh) -> AsyncIterator[list[int]]:
    """Have live events come in, some each tenth of a second; what is yielded grows with them."""
    sent: list[int] = []
    ends = asyncio.Event()

    async def send() -> None:
        while not ends.is_set():
            await mesh.send(counted(LIVE + len(sent), 3))
            sent.extend(range(3))
            await asyncio.sleep(0.1)  # the rate of the traffic; nothing waits for it

    sending = asyncio.create_task(send())
    try:
        yield sent
    finally:
        ends.set()
        await sending


def again(mesh: ReplayMesh, plan_id: str) -> int:
    """How many records a replay has sent so far."""
    return sum(one.get("farandole_operation") == plan_id for one in mesh.records(f"{REPLAYED}.redelivery"))
