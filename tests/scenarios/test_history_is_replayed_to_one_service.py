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
from dataclasses import dataclass
from pathlib import Path

import pytest
from farandole.testing.backend import Backend
from redis.asyncio import Redis

sys.path.insert(0, str(Path(__file__).parent))
from mischief import LONG
from replay_mesh import ReplayMesh, bought, counted, unheard
from replayed_service import DOWNSTREAM, REPLAYED

PLAN = ("replay", "plan", "--service", REPLAYED)
LIVE, LATER, MISSED = 1_000_000, 2_000_000, 3_000_000
"""Where the numbers begin of the events that come in while something is replayed, and of those that are missed."""


@pytest.fixture
async def mesh(own_backend: Backend, tmp_path: Path) -> AsyncIterator[ReplayMesh]:
    found = ReplayMesh(own_backend, tmp_path)
    yield found
    await found.end()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("events", [150, pytest.param(10_000, marks=LONG)])
async def test_history_is_replayed_as_it_was_planned(mesh: ReplayMesh, own_backend: Backend, events: int) -> None:
    await mesh.begin(REPLAYED, DOWNSTREAM)
    came = await what_was_handled_is_handled_again(mesh, own_backend, events)
    await what_was_missed_is_handled_once(mesh, came)


async def what_was_handled_is_handled_again(mesh: ReplayMesh, own_backend: Backend, events: int) -> Came:
    cards = events // 10
    await mesh.send([*counted(0, events), *bought(0, cards), *unheard(0, 7)])
    await mesh.until("all is handled", lambda: mesh.runs() == {"note": events, "charge": cards})
    await mesh.until("all is heard", lambda: mesh.runs(DOWNSTREAM) == {"listen": events + cards})

    async with live(mesh, LIVE) as sent:
        planned = await mesh.says(*PLAN, "--mode", "again", "--json", "--rate", f"{events / 2}")
        assert planned.code == 3, planned.err
        plan = planned.document
        fates = ("would_run", "handled", "on_their_way", "skipped", "unheard")
        assert plan["matched"] == sum(plan[fate] for fate in fates)
        assert (plan["skipped"], plan["unheard"], plan["handled"], plan["outside"]) == (cards, 7, 0, 0)
        assert events <= plan["would_run"] <= events + len(sent)
        (foreseen,) = plan["follow_ons"]
        assert (foreseen["count"], foreseen["from_inbox"], foreseen["new"]) == (plan["would_run"], plan["would_run"], 0)

        words = ("replay", "run", plan["plan"], "--reason", "the bug of Monday is fixed", "--yes", "--json")
        first = mesh.begins_to_say(*words)
        await mesh.until("a part is sent", lambda: mesh.written(f"{REPLAYED}.redelivery") > events // 5)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        mesh.kill(REPLAYED)
        assert 0 < mesh.written(f"{REPLAYED}.redelivery") < plan["would_run"]
        async with Redis.from_url(own_backend.redis_url) as redis:  # the lease of whoever was killed runs out
            await redis.delete(*[key async for key in redis.scan_iter("*:operation")])
        interrupted = await mesh.says("replay", "status", plan["plan"], "--json")
        assert interrupted.document["state"] == "interrupted"
        mesh.start(REPLAYED)
        ended = await mesh.says(*words)
    assert ended.code == 0, ended.err
    receipt = ended.document
    assert (receipt["state"], receipt["sent"]) == ("finished", plan["would_run"])
    assert receipt["outcome"] == {"done": plan["would_run"], "dead": 0, "retrying": 0, "waiting": 0}
    assert receipt["why"] == "the bug of Monday is fixed"

    came = Came(noted=events + len(sent), charged=cards, again=plan["would_run"])
    await came.to(mesh)
    origins = Counter(one["farandole_origin"] for one in mesh.records(f"{REPLAYED}.redelivery"))
    assert (set(origins.values()), len(origins)) == ({1}, plan["would_run"])
    once_more = await mesh.says(*words)
    assert (once_more.code, once_more.document) == (0, receipt)
    assert "nothing was done" in once_more.err
    return came


async def what_was_missed_is_handled_once(mesh: ReplayMesh, before: Came) -> None:
    mesh.stop(REPLAYED)
    await mesh.send([*counted(MISSED, 30), *bought(MISSED, 4)])
    mesh.skip_everything()
    mesh.start(REPLAYED)
    async with live(mesh, LATER) as sent:
        await mesh.until("it works again", lambda: mesh.runs()["note"] > before.noted + before.again)
        plans = [await mesh.says(*PLAN, "--json") for _ in range(2)]
        for planned in plans:
            assert planned.code == 3, planned.err
            plan = planned.document
            assert plan["matched"] == plan["handled"] + plan["on_their_way"] + plan["would_run"] + plan["unheard"]
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
    after = Came(noted=before.noted + 30 + len(sent), charged=before.charged + 4, again=before.again)
    await after.to(mesh)
    done = await mesh.says(*PLAN)
    assert done.code == 0, done.err
    audited = await mesh.says("audit", "--json", "--service", REPLAYED, "--service", DOWNSTREAM)
    assert audited.code == 0, audited.out


@dataclass(frozen=True, kw_only=True)
class Came:
    """How many events were noted and charged, each once, and how many were noted again; nobody hears of the last."""

    noted: int
    charged: int
    again: int

    async def to(self, mesh: ReplayMesh) -> None:
        """Wait until all is heard downstream, and see that it is this and no more."""
        heard = self.noted + self.charged
        await mesh.until("the live ones are heard", lambda: mesh.runs(DOWNSTREAM) == {"listen": heard})
        assert mesh.runs() == {"note": self.noted + self.again, "charge": self.charged}
        assert mesh.charges() == self.charged
        assert len({one["ce_id"] for one in mesh.records("replay-noted")}) == heard


@asynccontextmanager
async def live(mesh: ReplayMesh, first: int) -> AsyncIterator[list[int]]:
    """Have live events come in, some each tenth of a second; what is yielded grows with them."""
    sent: list[int] = []
    ends = asyncio.Event()

    async def send() -> None:
        while not ends.is_set():
            await mesh.send(counted(first + len(sent), 3))
            sent.extend(range(3))
            await asyncio.sleep(0.1)  # the rate of the traffic; nothing waits for it

    sending = asyncio.create_task(send())
    try:
        yield sent
    finally:
        ends.set()
        await sending
