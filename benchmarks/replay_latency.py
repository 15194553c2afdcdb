"""What a replay does to live traffic: the time from an event to its follow-on, without a replay and beside one.

Both times are the broker's. ``python benchmarks/replay_latency.py [SECONDS [LIVE A SECOND [REPLAY A SECOND]]]`` takes a
mesh of its own in a temporary folder, and ends within a few minutes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from farandole.identity import follow_on_id
from farandole.testing.backend import Backend

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "scenarios"))
from replay_mesh import ReplayMesh, counted
from replayed_service import REPLAYED, Counted, Noted

ALONE, BESIDE = 1_000_000, 2_000_000
ROUNDS = 6


async def main(seconds: float, live: float, rate: float) -> None:
    """Measure on a mesh of its own."""
    with tempfile.TemporaryDirectory(prefix="farandole-") as folder:
        async with Backend.start(Path(folder) / "backend") as backend:
            mesh = ReplayMesh(backend, Path(folder))
            try:
                await measured(mesh, seconds, live, rate)
            finally:
                await mesh.end()


async def measured(mesh: ReplayMesh, seconds: float, live: float, rate: float) -> None:
    """Measure for so many seconds alone, and for as many beside a replay, and print both."""
    history = round(rate * seconds * 1.5)
    await mesh.begin(REPLAYED)
    await mesh.send(counted(0, history))
    await mesh.until("the history is handled", lambda: mesh.runs() == {"note": history})
    words = ("replay", "plan", "--service", REPLAYED, "--mode", "again", "--rate", str(rate), "--json")
    plan = (await mesh.says(*words)).document["plan"]
    run = mesh.begins_to_say("replay", "run", plan, "--reason", "a measurement", "--yes", "--json")
    topic, each = f"{REPLAYED}.redelivery", seconds / ROUNDS
    await mesh.until("it sends", lambda: mesh.written(topic) > 0)
    sent = 0
    for number in range(ROUNDS):  # in turns, as machines are not the same all the time
        await mesh.says("replay", "pause", plan)
        await mesh.until_still(lambda: mesh.written(topic))
        await feed(mesh, ALONE + 10_000 * number, each, live)
        await mesh.says("replay", "resume", plan)
        before = mesh.written(topic)
        await feed(mesh, BESIDE + 10_000 * number, each, live)
        sent += mesh.written(topic) - before
    run.terminate()
    run.communicate()
    spans = latencies(mesh)
    for name, first in (("without a replay", ALONE), ("beside a replay", BESIDE)):
        found = sorted(span for number, span in spans.items() if first <= number < first + 1_000_000)
        told = ", ".join(f"p{one} {found[len(found) * one // 100]:.0f} ms" for one in (50, 95, 99))
        print(
            f"{name}: {len(found)} events, {told}"
            + (f", {sent / seconds:.0f} replayed a second" if first == BESIDE else "")
        )


async def feed(mesh: ReplayMesh, first: int, seconds: float, live: float) -> None:
    """Send live events, evenly."""
    begin = time.monotonic()
    for number in range(round(seconds * live)):
        await asyncio.sleep(max(0.0, begin + number / live - time.monotonic()))
        await mesh.send(counted(first + number, 1))


def latencies(mesh: ReplayMesh) -> dict[int, float]:
    """Return how many milliseconds it took from each event to its follow-on."""
    sent = {one.id: one.at for one in mesh.appended(Counted.avro.topic)}
    noted = {one.id: one.at for one in mesh.appended(Noted.avro.topic)}
    found = {}
    for event_id, at in sent.items():
        answer = follow_on_id(cause=event_id, service=REPLAYED, event_type=Noted.avro.fullname, ordinal=0)
        if answer in noted:
            found[int(event_id.rpartition("-")[2])] = (noted[answer] - at) / timedelta(milliseconds=1)
    return found


if __name__ == "__main__":
    given = [float(one) for one in sys.argv[1:]]
    asyncio.run(main(*(given + [30.0, 50.0, 200.0][len(given) :])))
