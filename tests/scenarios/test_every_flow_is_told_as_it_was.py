"""The tree of every flow is what the records themselves say, whoever tells it.

The Northwind orders run through a whole embedded mesh while outside systems fail, answer twice and lose answers, while
services are killed with `kill -9` and Redis is wiped. Then records are sent again by hand, as a producer that crashed
would, and one event comes with a payload that nobody can read. What every record of every topic says is then worked out
plainly, without the library; the tree that `farandole flow` reads off the topics and the one that the console tells
from its index must both be that, for every single flow: what caused what, where it lies, how often it was tried, what
was dropped as a duplicate, what was given up.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import msgspec
import pytest
from confluent_kafka import Producer
from farandole import installed
from farandole.flow.document import document
from farandole.flow.gathering import Hearers
from farandole.flow.happening import Happening
from farandole.flow.reading import HappeningReader
from farandole.flow.scanning import Scanning
from farandole.flow.tree import flow_tree
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.kafka.topics import cluster_id
from farandole.local.state import MeshState
from farandole.local.status import healthy, running
from farandole_events import CATALOGUE
from farandole_sandbox.chaos.mischief import Mischief
from farandole_sandbox.chaos.weather import everything_at_once
from flow_ground_truth import Bare, GroundTruth, everything, seen_in

LONG = os.environ.get("FARANDOLE_LONG") == "1"
ORDERS = 1_000 if LONG else 25
WITHIN = timedelta(seconds=900 if LONG else 180)
CLI = (sys.executable, "-c", "from farandole.cli.main import main; main()")


@asynccontextmanager
async def mesh_at(home: Path) -> AsyncIterator[MeshState]:
    """Run a whole mesh."""
    process = await asyncio.create_subprocess_exec(
        *(*CLI, "up", "--home", str(home)), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        while not ((mesh := running(home)) and mesh.processes and all((await healthy(mesh)).values())):
            assert process.returncode is None, "the mesh did not come up"
            await asyncio.sleep(0.2)
        yield mesh
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def demo(home: Path) -> dict:
    process = await asyncio.create_subprocess_exec(
        *(*CLI, "demo", "--home", str(home), "--orders", str(ORDERS), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told, _ = await process.communicate()
    return json.loads(told)


async def with_mischief(home: Path) -> None:
    """Make trouble while the demo runs, and wait for its end."""
    hand = Mischief(home)
    running_demo = asyncio.create_task(demo(home))
    await hand.accepted(1)
    await hand.switch_on(everything_at_once(lasts=timedelta(seconds=60 if LONG else 5)))
    await hand.accepted(ORDERS // 3)
    await hand.wipe_redis()
    if LONG:  # a group waits ten seconds for a member that was killed
        await hand.kill("payments")
        await hand.kill("inventory", "orders")
    ended = await running_demo
    assert (ended["orders"], ended["open"]) == (ORDERS, 0), ended


def sent_again(mesh: MeshState, records: list[Bare]) -> None:
    """Send some events a second time, one of them with a payload that nobody can read and an id of its own."""
    producer = Producer({"bootstrap.servers": mesh.bootstrap})
    events = [one for one in records if one.topic in CATALOGUE.topics]
    for one in events[:: max(1, len(events) // 10)]:
        producer.produce(one.topic, one.value, one.headers["ce_subject"], headers=dict(one.headers))
    placed = next(one for one in events if one.headers["ce_type"].endswith(".OrderPlaced"))
    spoilt = {**placed.headers, "ce_id": "spoilt", "ce_causationid": placed.headers["ce_id"]}
    producer.produce(placed.topic, b"nobody can read this", placed.headers["ce_subject"], headers=spoilt)
    assert producer.flush(30) == 0


async def quiet_records(mesh: MeshState, *, dead_letters: int) -> list[Bare]:
    """Read everything, as soon as the services and the console have heard all there is."""
    hears = Hearers(installed.services())
    groups = {one.name for one in installed.services() if one.handlers}
    reader = LogReader(Connection(bootstrap=mesh.bootstrap, client_id="truth"))
    while True:
        before = await asyncio.to_thread(everything, mesh.bootstrap)
        if GroundTruth(before, hears=hears).dead_letters >= dead_letters and await asyncio.to_thread(
            _all_heard, reader, groups
        ):
            again = await asyncio.to_thread(everything, mesh.bootstrap)
            if len(again) == len(before) and await asyncio.to_thread(_all_heard, reader, groups):
                return again
        await asyncio.sleep(0.3)


def _all_heard(reader: LogReader, groups: set[str]) -> bool:
    partitions = reader.partitions()
    ends, starts = reader.ends(partitions), reader.starts(partitions)
    indexed = reader.committed("console.observer", partitions)
    if any(ends[at] > starts[at] and indexed.get(at, ends[at]) < ends[at] for at in partitions):
        return False
    return all(
        offset >= ends[at]
        for group in groups
        for at, offset in reader.committed(group, partitions).items()
        if at in ends
    )


@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 600)
async def test_every_flow_s_tree_is_what_the_records_say(tmp_path):
    home = tmp_path / "home"
    hears = Hearers(installed.services())
    async with asyncio.timeout(WITHIN.total_seconds()), mesh_at(home) as mesh:
        await with_mischief(home)
        sent_again(mesh, await asyncio.to_thread(everything, mesh.bootstrap))
        records = await quiet_records(mesh, dead_letters=1)
        truth = GroundTruth(records, hears=hears)
        scanned = await trees_of_the_topics(mesh, truth.flows, hears)
        async with httpx2.AsyncClient(base_url=mesh.url("console"), timeout=30) as console:
            told = {name: (await console.get(f"/api/flows/{name}")).raise_for_status().json() for name in truth.flows}
        asked = [await command(home, truth.flows[0], *words) for words in ((), ("--scan",))]
    print(
        f"{len(truth.flows)} flows, {sum(len(one['events']) for one in told.values())} events, {truth.failed_attempts} "
        f"failed attempts, {truth.duplicates} duplicates, {truth.dead_letters} dead letters, {truth.copies} copies"
    )
    assert len(truth.flows) >= ORDERS
    assert truth.failed_attempts or not LONG, "in a short run the faults may strike where a call is only repeated"
    assert truth.duplicates
    assert truth.dead_letters
    assert truth.copies
    assert asked[0]["events"] == asked[1]["events"] == told[truth.flows[0]]["events"]
    for name in truth.flows:
        expected = truth.tree(name)
        assert seen_in(scanned[name]) == expected
        assert seen_in(told[name]) == expected
        assert scanned[name]["events"] == told[name]["events"]


async def command(home: Path, flow: str, *words: str) -> dict:
    """Return what `farandole flow` prints: by the console of the mesh in the home, with ``--scan`` off its topics."""
    process = await asyncio.create_subprocess_exec(
        *(*CLI, "flow", flow, "--home", str(home), "--json", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, said = await process.communicate()
    assert ("scanning the topics" in said.decode()) == ("--scan" in words)
    return json.loads(told)


async def trees_of_the_topics(mesh: MeshState, flows, hears: Hearers) -> dict[str, dict]:
    """Return the document of each flow as `farandole flow` makes it."""
    cluster = await cluster_id(Connection(bootstrap=mesh.bootstrap, client_id="scan"))
    return await asyncio.to_thread(_scanned, mesh, cluster, flows, hears)


def _scanned(mesh: MeshState, cluster: str, flows, hears: Hearers) -> dict[str, dict]:
    scanning = Scanning(
        LogReader(Connection(bootstrap=mesh.bootstrap, client_id="scan")),
        HappeningReader(CATALOGUE, cluster=cluster),
        domain=CATALOGUE.topics,
    )
    by_flow: dict[str, list[Happening]] = {name: [] for name in flows}
    for one in scanning.every_happening():
        by_flow.setdefault(one.flow_id, []).append(one)
    found = {}
    for name, happenings in by_flow.items():
        tree = flow_tree(name, happenings, hears=hears)
        assert tree is not None
        found[name] = json.loads(msgspec.json.encode(document(tree, ())))
    for name in sorted(by_flow)[:: max(1, len(by_flow) // 10)]:
        alone = flow_tree(name, scanning.happenings(name), hears=hears)
        assert alone == flow_tree(name, by_flow[name], hears=hears), "one flow is read as all are"
    return found
