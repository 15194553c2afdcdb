"""Run: one torture run: a mesh of its own, load through its HTTP ingress, the faults of a timeline, the invariants."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import order_probe
from evidence import Evidence
from farandole.cli.up import provision
from farandole.engine.runtime import heard_topics, private_topics_of
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, private_topics
from farandole.local import interrupts, services
from farandole.local.mesh import LocalMesh
from farandole.local.notice import Change, Notice
from farandole.local.restart import RestartPolicy
from farandole_sandbox.demo import northwind
from farandole_sandbox.demo.audit.audit import audit
from farandole_sandbox.demo.draining import Drain
from farandole_sandbox.demo.errand import errands
from farandole_sandbox.demo.host import Interrupted
from farandole_sandbox.demo.outcome import Outcome
from farandole_sandbox.demo.progress import Progress
from farandole_sandbox.demo.reading import read_books
from farandole_sandbox.demo.shop import Shop
from farandole_sandbox.demo.tally import Tally
from farandole_sandbox.demo.waiting import Counter
from faults import Faults
from invariants import Broken, Seen, broken
from lines import Lines
from load import AT_ONCE, place
from memory import Memory
from profiles import Profile
from settling import Settled, settle
from timeline import Fault, timeline

T = TypeVar("T")

PROBE = services.ServiceProcess(
    name=order_probe.NAME, module=order_probe.__name__, env={"PYTHONPATH": str(Path(__file__).parent)}
)
PROBED = {order_probe.NAME: heard_topics(order_probe.service)}
_PATIENCE = timedelta(seconds=90)
_SHOW_EVERY = 1.0
# Killed again and again is what this run does to its processes: nobody should wait for minutes because of it.
_POLICY = RestartPolicy(longest=timedelta(seconds=2), stable=timedelta(seconds=5))


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a run was asked to do. ``caught_up_within`` bounds the lag after the last fault."""

    profile: Profile
    seed: int
    caught_up_within: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What came of a run: a document for programs, and whatever broke an invariant."""

    document: dict[str, Any]
    broken: Sequence[Broken]


async def torture(asked: Asked, evidence: Evidence, progress: Progress) -> Ended:
    """Do a whole run; the mesh is drained and ended in any case.

    Raises:
        Interrupted: SIGINT or SIGTERM came; a second one ends the mesh at once.
        LocalMeshError: the mesh does not come up.
    """
    found = (*services.discover(first=("orders", "sandbox", "inventory", "payments")), PROBE)
    faults = timeline(asked.profile, asked.seed, [service.name for service in found])
    evidence.begin(faults)
    progress.tell(f"seed {asked.seed}, profile {asked.profile.name}: {len(faults)} faults")
    for fault in faults:
        progress.tell(f"  planned {fault.at.total_seconds():7.1f} s  {fault}")
    with interrupts.listening() as heard:
        async with Lines([service.name for service in found]) as lines:
            led = [replace(service, env={**service.env, **lines.environment(service.name)}) for service in found]
            async with _mesh(led, lines, evidence, progress, heard) as mesh:
                run = _Run(asked, mesh, Faults(mesh, lines, tell=progress.tell), evidence, progress)
                return await _unless_interrupted(run.whole(faults), heard)


@contextlib.asynccontextmanager
async def _mesh(
    found: Sequence[services.ServiceProcess],
    lines: Lines,
    evidence: Evidence,
    progress: Progress,
    heard: interrupts.Interrupts,
) -> AsyncIterator[LocalMesh]:
    def news(notice: Notice) -> None:
        if notice.change in {Change.ENDED, Change.FORCED} and not heard.asked.is_set():
            progress.tell(str(notice))

    async def led_there(bootstrap: str) -> None:
        lines.lead_to(mesh)
        await provision(bootstrap)
        own = private_topics(private_topics_of(order_probe.service), partitions=1)
        await create(Connection(bootstrap=bootstrap, client_id="faults"), own)

    mesh = LocalMesh(
        evidence.home,
        services=found,
        provision=led_there,
        fresh=True,
        tell=news,
        policy=_POLICY,
        kafka_proxy=lines.kafka_port,
    )
    await _unless_interrupted(mesh.start(), heard)
    try:
        await _unless_interrupted(mesh.ready(), heard)
        yield mesh
    finally:
        progress.tell("the mesh drains and ends")
        await mesh.drain(heard)


class _Run:
    def __init__(self, asked: Asked, mesh: LocalMesh, hand: Faults, evidence: Evidence, progress: Progress) -> None:
        self._asked = asked
        self._mesh = mesh
        self._evidence = evidence
        self._progress = progress
        self._hand = hand
        self._memory = Memory(mesh)
        self._began = time.monotonic()

    async def whole(self, faults: Sequence[Fault]) -> Ended:
        watching = asyncio.create_task(self._memory.watch())
        try:
            async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=2 * AT_ONCE)) as client:
                return await self._under_load(client, faults)
        finally:
            watching.cancel()

    async def _under_load(self, client: httpx2.AsyncClient, faults: Sequence[Fault]) -> Ended:
        profile, mesh = self._asked.profile, self._mesh.state()
        shop = Shop(client, mesh.url("orders"), run=str(self._asked.seed), heard=lambda: None)
        counter = Counter(client, mesh.url("orders"))
        await counter.begin()
        showing = asyncio.create_task(self._show(counter, shop))
        try:
            async with asyncio.TaskGroup() as both:
                sent = errands(northwind.orders(), profile.orders)
                both.create_task(place(shop, sent, count=profile.orders, over=profile.window))
                both.create_task(self._hand.play(faults))
            settled = await settle(
                Drain(mesh, client, also=PROBED), since=self._hand.ended, patience=_PATIENCE, tell=self._progress.tell
            )
        finally:
            showing.cancel()
        return await self._judged(client, shop, settled)

    async def _show(self, counter: Counter, shop: Shop) -> None:
        while True:
            told = await counter.by_status()
            if told is not None:
                self._progress.show(
                    Tally(
                        wanted=self._asked.profile.orders,
                        placed=len(shop.receipts.placed),
                        completed=told["completed"],
                        cancelled=told["cancelled"],
                    )
                )
            await asyncio.sleep(_SHOW_EVERY)

    async def _judged(self, client: httpx2.AsyncClient, shop: Shop, settled: Settled) -> Ended:
        self._progress.tell("reading the books")
        books = await read_books(self._mesh.state(), client, shop.receipts.placed)
        seen = Seen(
            books=books,
            settled=settled,
            caught_up_within=self._asked.caught_up_within,
            peaks=self._memory.peaks,
            surprises=shop.receipts.surprises,
        )
        found = await asyncio.to_thread(broken, seen)
        document = self._document(seen, shop, found)
        if found:
            self._evidence.keep(document, books)
        return Ended(document=document, broken=found)

    def _document(self, seen: Seen, shop: Shop, found: Sequence[Broken]) -> dict[str, Any]:
        told = Outcome(receipts=shop.receipts, books=seen.books, audit=audit(seen.books), dropped=0).document()
        kept = ("orders", "completed", "cancelled", "open", "events", "retries", "dead_letters", "audit")
        return {
            "profile": self._asked.profile.name,
            "seed": self._asked.seed,
            **{name: told[name] for name in kept},
            "sent_again": shop.receipts.resent,
            "faults": dict(sorted(self._hand.done.items())),
            "restarts": {one.name: one.restarts for one in self._mesh.state().processes},
            "caught_up_seconds": seen.settled.caught_up,
            "at_rest_seconds": seen.settled.at_rest,
            "seconds": round(time.monotonic() - self._began, 1),
            "peak_megabytes": dict(seen.peaks),
            "broken": [f"{one.invariant}: {one.what}" for one in found],
        }


async def _unless_interrupted(work: Awaitable[T], heard: interrupts.Interrupts) -> T:
    doing = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(heard.asked.wait())
    try:
        await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
            raise Interrupted
        return await doing
    finally:
        asked.cancel()
