"""Flow index: how fast the console indexes a million events with what else happened to them, and how fast it answers.

The console's own index on a database of its own, fed with deliveries as its observer gets them, in batches of 500; no
broker, so that only the index is measured. Flows of twelve events; every tenth event was retried once, and every second
one was handled without an answer. Then each question is asked through the JSON API, in the same process.

``--copies 9`` repeats in the database, nine times under other ids, what was indexed: a tenth of the events is indexed
then, and all of them are searched.

    .venv/bin/python benchmarks/flow_index.py [--events 1000000] [--copies 0] [--asked 200]
                                              [--database postgresql://…] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from farandole import Envelope
from farandole.clock import SystemClock
from farandole.delivery import Coordinates, Delivery, Record
from farandole.engine.intake import Intake
from farandole.flow.reading import HappeningReader
from farandole.metrics import Metrics
from farandole.outcomes import MOST_OUTCOMES, DeliveryOutcome, OutcomeBatch, encode
from farandole.private_topics import PrivateTopics
from farandole.store import Store
from farandole_console.api import api
from farandole_console.index import Index
from farandole_console.live.declared import Declarations
from farandole_console.live.sight import Sight
from farandole_console.promises.promises import Promises
from farandole_console.seen import SeenReader
from farandole_console.tables import event, flow, happening, metadata
from farandole_console.told_flow import FlowTeller
from farandole_events import CATALOGUE
from fastapi import FastAPI
from sqlalchemy import ColumnElement, select

BATCH: Final = 500
PER_FLOW: Final = 12
BEGAN: Final = datetime(2026, 11, 23, tzinfo=UTC)
STEPS: Final = tuple(
    (schema.fullname, schema.topic, schema.topic) for schema in sorted(CATALOGUE, key=lambda one: one.fullname)
)[:PER_FLOW]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One kind of question: how long the server took."""

    question: str
    median_ms: float
    p99_ms: float
    slowest_ms: float


def records(events: int) -> Iterator[Record]:
    """Yield what lies on the topics: events, retries among them, and outcomes; flows run beside one another."""
    offset, outcomes = 0, []
    for number in range(events):
        # A thousand flows are open at a time.
        block, place = divmod(number, PER_FLOW * 1_000)
        step, nth = divmod(place, 1_000)
        order = f"order-{block * 1_000 + nth}"
        flow_id = id_of(order, 0)
        event_type, topic, source = STEPS[step]
        envelope = Envelope(
            id=id_of(order, step),
            type=event_type,
            source=source,
            subject=order,
            time="2026-11-23T12:00:00Z",
            correlation_id=flow_id,
            causation_id=id_of(order, step - 1) if step else None,
        )
        at = BEGAN + timedelta(milliseconds=number)
        yield record(topic, offset, at, headers=envelope.headers())
        offset += 1
        if number % 10 == 0:
            own = (("farandole_attempt", b"1"), ("farandole_due_after_ms", b"2000"), ("farandole_error_class", b"Away"))
            yield record("payments.retry.1", offset, at, headers=(*envelope.headers(), *own))
            offset += 1
        if number % 2 == 0:
            outcomes.append(
                DeliveryOutcome(
                    kind="handled",
                    source=source,
                    event_id=envelope.id,
                    flow_id=flow_id,
                    type=event_type,
                    topic=topic,
                    partition=0,
                    offset=number,
                    attempt=0,
                )
            )
        if len(outcomes) == MOST_OUTCOMES:
            batch = OutcomeBatch(service="crm", outcomes=outcomes)
            yield record("_farandole.outcomes", offset, at, value=encode(batch))
            offset, outcomes = offset + 1, []


def id_of(order: str, step: int) -> str:
    """Return the id of an event of an order."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{order}/{step}"))


def record(
    topic: str, offset: int, at: datetime, *, headers: tuple[tuple[str, bytes], ...] = (), value: bytes = b"x" * 200
) -> Record:
    """Return a record."""
    return Record(
        coordinates=Coordinates(topic=topic, partition=0, offset=offset),
        key=None,
        value=value,
        headers=headers,
        appended=at,
    )


async def indexed(index: Index, events: int) -> dict[str, float]:
    """Index the events and return how long that took; making them up is not counted."""
    reader = SeenReader(HappeningReader(CATALOGUE, cluster="benchmark"))
    nobody = PrivateTopics(service="", tiers=0)
    intake = Intake(service="console", cluster="benchmark", handlers={}, schemas=CATALOGUE, topics=nobody)
    seconds = cpu = 0.0
    count, batch = 0, []
    told = time.monotonic()
    for one in records(events):
        batch.append(one)
        if len(batch) < BATCH:
            continue
        wall, spent = time.perf_counter(), time.process_time()
        await index.add(reader.seen([_delivery(intake, each) for each in batch]))
        seconds += time.perf_counter() - wall
        cpu += time.process_time() - spent
        count, batch = count + len(batch), []
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"{count:,} records, {count / seconds:,.0f} a second", file=sys.stderr)
    if batch:
        await index.add(reader.seen([_delivery(intake, each) for each in batch]))
    return {
        "events": events,
        "seconds": round(seconds, 1),
        "events_per_second": round(events / seconds),
        "cpu_us_per_event": round(cpu / events * 1e6, 1),
    }


def _delivery(intake: Intake, one: Record) -> Delivery:
    owner = "payments" if one.coordinates.topic == "payments.retry.1" else ""
    return intake.private(one, owner) if owner else intake.delivery(one)


async def copied(store: Store, copies: int) -> None:
    """Repeat every row under other ids, which end with a number."""
    told_apart = {"event_id", "subject", "flow_id", "causation_id", "id"}
    for table in (event, happening, flow):
        columns = [one for one in table.c if one.name != "seq"]
        places = {"offset": 1_000_000_000}
        mark = table.c.id if table is flow else table.c.flow_id
        for number in range(1, copies + 1):
            copy: list[ColumnElement[Any]] = []
            for one in columns:
                if one.name in told_apart:
                    copy.append(one.concat(f"/{number}"))
                else:
                    copy.append(one + places[one.name] * number if one.name in places else one)
            originals = select(*copy).where(mark.not_like("%/%"))
            async with store.transaction() as work:
                await work.execute(table.insert().from_select([one.name for one in columns], originals))


async def asked(index: Index, events: int, times: int) -> list[Asked]:
    """Ask everything that may be asked, each time of something else."""
    app = FastAPI()
    teller = FlowTeller(index=index, sight=Sight, declarations=Declarations(), clock=SystemClock())
    app.include_router(api(index, teller))
    pick = random.Random(7)
    types = [step[0] for step in STEPS]

    def order() -> str:
        return f"order-{pick.randrange(max(1, events // PER_FLOW // 1_000) * 1_000)}"

    def since() -> str:
        return (BEGAN + timedelta(milliseconds=pick.randrange(events))).strftime("%Y-%m-%dT%H:%M:%SZ")

    questions = {
        "flows by key": lambda: f"/api/flows?key={order()}",
        "the first page of flows": lambda: "/api/flows?limit=50",
        "a flow by its id": lambda: f"/api/flows/{id_of(order(), 0)}",
        "a flow by its order": lambda: f"/api/flows/{order()}",
        "a flow by an event's id": lambda: f"/api/flows/{id_of(order(), 5)}",
        "events by key": lambda: f"/api/events/latest?key={order()}",
        "events by id": lambda: f"/api/events/latest?id={id_of(order(), 3)}",
        "events by flow": lambda: f"/api/events?flow={id_of(order(), 0)}",
        "events by type, until a time": lambda: f"/api/events/latest?type={pick.choice(types)}&to={since()}",
        "events by service and topic": lambda: (
            f"/api/events/latest?service={pick.choice(STEPS)[2]}&topic={pick.choice(STEPS)[1]}&limit=50"
        ),
        "events of a time": lambda: f"/api/events/latest?to={since()}",
        "the latest events": lambda: "/api/events/latest?limit=100",
        "events from a number on": lambda: f"/api/events?after={pick.randrange(events)}",
        "what happened to an event": lambda: f"/api/happenings?id={id_of(order(), 0)}",
    }
    found = []
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://console") as http:
        for name, question in questions.items():
            taken = []
            for _ in range(times):
                path = question()
                began = time.perf_counter()
                answer = await http.get(path)
                taken.append((time.perf_counter() - began) * 1_000)
                answer.raise_for_status()
            taken.sort()
            found.append(
                Asked(
                    question=name,
                    median_ms=round(taken[len(taken) // 2], 1),
                    p99_ms=round(taken[int(len(taken) * 0.99)], 1),
                    slowest_ms=round(taken[-1], 1),
                )
            )
    return found


async def measure(url: str, events: int, copies: int, times: int) -> dict[str, object]:
    """Index and ask."""
    store = Store(url, metadata=(metadata,), service="console")
    await store.open()
    try:
        index = Index(store, Promises(store, Declarations(), Metrics("console")))
        speed = await indexed(index, events)
        await copied(store, copies)
        return {
            "indexing": speed,
            "searched": events * (copies + 1),
            "asking": [
                {"question": one.question, "median_ms": one.median_ms, "p99_ms": one.p99_ms, "max_ms": one.slowest_ms}
                for one in await asked(index, events, times)
            ],
        }
    finally:
        await store.close()


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--asked", type=int, default=200)
    parser.add_argument("--database", default="")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{Path(folder) / 'console.db'}"
        found = asyncio.run(measure(url, given.events, given.copies, given.asked))
        size = sum(one.stat().st_size for one in Path(folder).iterdir())
    if given.json:
        print(json.dumps(found | {"bytes": size}))
        return
    print(json.dumps(found["indexing"]), f"{found['searched']:,} searched, {size / 1e6:,.0f} MB")
    for one in found["asking"]:  # type: ignore[attr-defined]
        print(f"{one['question']:32} median {one['median_ms']:7} ms   p99 {one['p99_ms']:7} ms   {one['max_ms']:7} ms")


if __name__ == "__main__":
    main()
