"""What an operator may ask of a replay, and what is refused: each with the reason, the next step, and its exit code.

There is no service here: its offsets were moved past what it never saw, and what is sent to it waits. So a replay can
be paused, taken up, cancelled and looked at from other terminals while it runs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from farandole.testing.backend import Backend

sys.path.insert(0, str(Path(__file__).parent))
from mischief import LONG
from replay_mesh import ReplayMesh, counted
from replayed_service import REPLAYED

EVENTS = 60
PLAN = ("replay", "plan", "--service", REPLAYED)


@asynccontextmanager
async def skipped(backend: Backend, folder: Path) -> AsyncIterator[ReplayMesh]:
    mesh = ReplayMesh(backend, folder)
    await mesh.begin()
    await mesh.send(counted(0, EVENTS))
    mesh.skip_everything()
    try:
        yield mesh
    finally:
        await mesh.end()


@LONG
async def test_it_is_paused_taken_up_and_cancelled_from_another_terminal(own_backend: Backend, tmp_path: Path) -> None:
    async with skipped(own_backend, tmp_path) as mesh:
        await paused_taken_up_and_cancelled(mesh)


async def paused_taken_up_and_cancelled(mesh: ReplayMesh) -> None:
    plan = (await mesh.says(*PLAN, "--json", "--rate", "10")).document["plan"]
    running = mesh.begins_to_say("replay", "run", plan, "--reason", "a drill", "--yes", "--json", "--wait", "0")
    await mesh.until("something is sent", lambda: sent(mesh) > 0)

    beside = await mesh.says(
        "replay", "run", (await mesh.says(*PLAN, "--json")).document["plan"], "--reason", "x", "--yes"
    )
    assert (beside.code, "E512" in beside.err) == (1, True), beside.err

    paused = await mesh.says("replay", "pause", plan, "--json")
    assert (paused.code, paused.document["running"]) == (0, True)
    assert (await mesh.says("replay", "status", plan, "--json")).document["state"] == "paused"
    await mesh.until_still(lambda: sent(mesh))
    part = sent(mesh)
    assert part < EVENTS

    assert (await mesh.says("replay", "resume", plan)).code == 0
    await mesh.until("it goes on", lambda: sent(mesh) > part)
    assert (await mesh.says("replay", "cancel", plan)).code == 0
    out, err = running.communicate(timeout=30)
    assert running.returncode == 1, err
    receipt = json.loads(out)
    assert receipt["state"] == "cancelled"
    assert receipt["sent"] == sent(mesh) < EVENTS
    assert receipt["sent"] + receipt["not_sent"] == EVENTS
    assert receipt["outcome"]["waiting"] == receipt["sent"]
    shown = (await mesh.says("replay", "status", plan, "--json")).document
    assert (shown["state"], shown["sent"], shown["why"]) == ("cancelled", receipt["sent"], "a drill")
    late = await mesh.says("replay", "pause", plan)
    assert (late.code, "E537" in late.err) == (1, True)


async def test_what_cannot_be_done_is_refused_with_the_next_step(backend: Backend, tmp_path: Path) -> None:
    async with skipped(backend, tmp_path) as mesh:
        await refused_with_the_next_step(mesh, backend, tmp_path)


async def refused_with_the_next_step(mesh: ReplayMesh, backend: Backend, tmp_path: Path) -> None:
    planned = await mesh.says(*PLAN, "--json")
    assert (planned.code, planned.document["would_run"]) == (3, EVENTS)
    plan = planned.document["plan"]
    contexts = tmp_path / "contexts.toml"
    contexts.write_text(f'[looking]\nbrokers = "{backend.bootstrap}"\nredis_url = "{backend.redis_url}"\n')
    mesh.environment["FARANDOLE_CONTEXTS"] = str(contexts)
    refusals: list[tuple[tuple[str, ...], int, str]] = [
        (("replay", "plan", "--service", "nobody"), 2, "E501"),
        ((*PLAN, "--topic", "no-such-topic"), 2, "E532"),
        ((*PLAN, "--topic", "replay-noted"), 2, "E532"),
        ((*PLAN, "--from", "2026-01-01T00:00:00"), 2, "E520"),
        ((*PLAN, "--key", "nobody-has-it"), 2, "E529"),
        ((*PLAN, "--effects"), 2, "E533"),
        (("replay", "run", "no-such-plan", "--reason", "x"), 2, "E535"),
        (("replay", "status", "no-such-plan"), 2, "E535"),
        (("replay", "run", plan), 2, "E513"),
        (("replay", "run", plan, "--reason", "x"), 2, "E515"),
        (("replay", "run", plan, "--reason", "x", "--yes", "--context", "looking"), 1, "E511"),
    ]
    for words, code, error in refusals:
        said = await mesh.says(*words)
        assert (said.code, re.findall(r"^E\d+", said.err, re.MULTILINE)) == (code, [error]), f"{words}\n{said.err}"
        assert "  do:  " in said.err, said.err
    assert sent(mesh) == 0

    delete_records(backend.bootstrap, "replay-counted")
    stale = await mesh.says("replay", "run", plan, "--reason", "x", "--yes")
    assert (stale.code, "E531" in stale.err, "begins at" in stale.err) == (4, True, True), stale.err
    assert sent(mesh) == 0


def sent(mesh: ReplayMesh) -> int:
    return mesh.written(f"{REPLAYED}.redelivery")


def delete_records(bootstrap: str, topic: str) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap})
    for deleted in client.delete_records([TopicPartition(topic, 0, 5), TopicPartition(topic, 1, 5)]).values():
        deleted.result(10)
