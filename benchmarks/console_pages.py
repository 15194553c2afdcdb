"""Console pages: how long the server takes for every page and every route that reads the index, at a million events.

The console's own application with its doors, templates and database, asked in the same process, so that no network is
measured. The index is filled through itself, in batches of 500. A third of the events are of one type, and twenty of a
million are of the rarest one, with a service and a topic of their own: an index that serves only what is common, or
only what is rare, shows. Each question is asked for its first page and for one in the middle.

    .venv/bin/python benchmarks/console_pages.py [--events 1000000] [--asked 100] [--postgresql | --database URL]
                                                 [--filled] [--json]

It is SQLite in a folder that is thrown away, or with ``--postgresql`` a PostgreSQL that is thrown away. ``--filled``
asks the database of ``--database`` that an earlier run filled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from farandole.delivery import Coordinates
from farandole.flow.happening import Happening, Kind
from farandole.metrics import Metrics
from farandole.settings import Settings
from farandole.store import Store
from farandole.testing import Harness
from farandole.testing.postgres import PostgreSQLServer
from farandole_console.acting.mesh import Mesh
from farandole_console.dead_letters.boards import Boards
from farandole_console.event_search import EventMark
from farandole_console.index import Index
from farandole_console.live.declared import Declarations
from farandole_console.live.gatherer import Gatherer
from farandole_console.mark import Mark
from farandole_console.promises.promises import Promises
from farandole_console.seen import Seen
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings
from farandole_console.sighting import Sighting
from farandole_console.tables import metadata

BAR_MS: Final = 200.0
BATCH: Final = 500
PER_FLOW: Final = 12
RARE_EVERY: Final = 50_000
OPEN_FLOWS: Final = 1_000
BEGAN: Final = datetime(2026, 11, 23, tzinfo=UTC)
COMMON: Final = ("farandole.customers.CustomerNotified", "crm", "customers")
RARE: Final = ("farandole.supplies.PurchaseOrderSent", "suppliers", "supplies")
STEPS: Final = (
    ("farandole.orders.OrderPlaced", "orders", "orders"),
    ("farandole.reservations.StockReserved", "inventory", "reservations"),
    ("farandole.payments.PaymentAuthorised", "payments", "payments"),
    ("farandole.fulfilment.OrderPacked", "warehouse", "fulfilment"),
    ("farandole.shipments.ShipmentDispatched", "shipping", "shipments"),
    ("farandole.payments.PaymentCaptured", "payments", "payments"),
    ("farandole.shipments.ShipmentDelivered", "shipping", "shipments"),
    ("farandole.orders.OrderCompleted", "orders", "orders"),
    *(COMMON,) * 4,
)


class Blind:
    """Eyes that see nothing: there are no brokers here."""

    def ends(self) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """No topic."""
        return {}, {}

    def groups(self) -> dict[Any, Any]:
        """No group."""
        return {}

    def committed(self, *_: object) -> dict[Any, Any]:
        """No offset."""
        return {}

    async def breakers(self) -> dict[Any, Any]:
        """No breaker."""
        return {}

    async def notes(self, *_: object) -> tuple[list[Any], int]:
        """No operation."""
        return [], 0


def order(number: int) -> str:
    """Return the key of a flow."""
    return f"order-{number}"


def event_id(number: int, step: int) -> str:
    """Return the id of an event; that of the first one names the flow."""
    return f"{number:08x}-0000-5000-8000-{step:012x}"


def place(number: int) -> tuple[int, int]:
    """Return which flow the event of this number belongs to, and which step of it: many are open at once."""
    block, within = divmod(number, PER_FLOW * OPEN_FLOWS)
    step, nth = divmod(within, OPEN_FLOWS)
    return block * OPEN_FLOWS + nth, step


def sighting(number: int) -> Sighting:
    """Return the event of this number."""
    flow, step = place(number)
    event_type, source, topic = RARE if number % RARE_EVERY == RARE_EVERY - 1 else STEPS[step]
    return Sighting(
        source=source,
        event_id=event_id(flow, step),
        type=event_type,
        subject=order(flow),
        flow_id=event_id(flow, 0),
        causation_id=event_id(flow, step - 1) if step else None,
        causes="",
        time="2026-11-23T12:00:00Z",
        appended=BEGAN + timedelta(milliseconds=number),
        topic=topic,
        partition=number % 6,
        offset=number,
        digest=number,
    )


def long_flow(events: int) -> list[Sighting]:
    """Return one flow that somebody abuses."""
    told = [sighting(number) for number in range(events)]
    return [
        replace(one, event_id=f"long-{nth}", flow_id="long-0", subject="long", causation_id=f"long-{nth // 2}")
        for nth, one in enumerate(told)
    ]


def handled(one: Sighting) -> Happening:
    """Return that a service was done with an event."""
    return Happening(
        kind=Kind.HANDLED,
        service="crm",
        source=one.source,
        event_id=one.event_id,
        type=one.type,
        subject="",
        flow_id=one.flow_id,
        at=one.appended,
        coordinates=Coordinates(topic="_farandole.outcomes", partition=0, offset=one.offset),
        origin=Coordinates(topic=one.topic, partition=one.partition, offset=one.offset),
    )


async def fill(index: Index, events: int) -> float:
    """Index the events, every second one with what happened to it; return the seconds that the index took."""
    seconds, told = 0.0, time.monotonic()
    for start in range(0, events, BATCH):
        batch = [sighting(number) for number in range(start, min(start + BATCH, events))]
        seen = Seen(sightings=batch, happenings=[handled(one) for one in batch[::2]])
        began = time.perf_counter()
        await index.add(seen)
        seconds += time.perf_counter() - began
        if time.monotonic() - told > 20:
            told = time.monotonic()
            print(f"{start:,} events, {start / seconds:,.0f} a second", file=sys.stderr)
    await index.add(Seen(sightings=long_flow(1_500)))
    return seconds


def questions(events: int) -> Mapping[str, Callable[[], str]]:
    """Return what is asked: a name, and a path that differs from time to time."""
    pick = random.Random(7)
    flows = max(1, events // PER_FLOW // OPEN_FLOWS) * OPEN_FLOWS
    middle = BEGAN + timedelta(milliseconds=events // 2)
    before = str(EventMark(appended=middle, seq=events // 2))
    # An ISO time in a query needs no escaping when it ends with Z.
    since = f"{middle:%Y-%m-%dT%H:%M:%SZ}"

    def nth() -> int:
        return pick.randrange(flows)

    def always(path: str) -> Callable[[], str]:
        return lambda: path

    found: dict[str, Callable[[], str]] = {
        f"page {path}": always(path)
        for path in (
            *("/", "/topology", "/services", "/breakers", "/schemas", "/jobs", "/audit", "/dead-letters"),
            *("/flows", f"/flows?before={Mark(began=middle, flow_id='x')}", "/flows?key=nobody", "/flows/long"),
        )
    }
    found |= {
        "page /events": always("/events"),
        "page /events?live": always(f"/events?live=yes&type={COMMON[0]}&last={before}"),
        "page /events?type=&before=": always(f"/events?type={RARE[0]}&before={before}"),
        "page /events?key=": lambda: f"/events?key={order(nth())}",
        "page /flows?stuck": always("/flows?stuck=1"),
        "page /flows?key=": lambda: f"/flows?key={order(nth())}",
        "page /flows/ID": lambda: f"/flows/{event_id(nth(), 0)}",
        "page /flows/KEY": lambda: f"/flows/{order(nth())}",
        "page /flows/EVENT": lambda: f"/flows/{event_id(nth(), 5)}",
        "flows, a thousand": always("/api/flows?limit=1000"),
        "flow by event": lambda: f"/api/flows/{event_id(nth(), 5)}",
        "events by key": lambda: f"/api/events/latest?key={order(nth())}",
        "events by id": lambda: f"/api/events/latest?id={event_id(nth(), 3)}",
        "events by flow": lambda: f"/api/events?flow={event_id(nth(), 0)}",
        "happenings by event": lambda: f"/api/happenings?id={event_id(nth(), 0)}",
        "happenings from the middle": always(f"/api/happenings?after={events // 4}"),
    }
    kinds = {"common": COMMON, "rare": RARE, "absent": ("nobody.Nothing", "nobody", "nothing")}
    filters = {"nothing": ""}
    for name, (event_type, source, topic) in kinds.items():
        filters |= {
            f"{name} type": f"type={event_type}",
            f"{name} service": f"service={source}",
            f"{name} topic": f"topic={topic}",
            f"{name} service and topic": f"service={source}&topic={topic}",
            f"{name} type, common service": f"type={event_type}&service={COMMON[1]}",
        }
    filters |= {
        "common service, another's topic": f"service={COMMON[1]}&topic=orders",
        "common type, another's topic": f"type={COMMON[0]}&topic=orders",
        "key and common type": f"key={order(7)}&type={COMMON[0]}",
        "flow and common type": f"flow={event_id(7, 0)}&type={COMMON[0]}",
        "rare type, a time": f"type={RARE[0]}&from={since}",
        "common type, a time": f"type={COMMON[0]}&to={since}",
        "a time": f"from={since}",
    }
    for name, asked in filters.items():
        found[f"latest: {name}"] = always(f"/api/events/latest?{asked}")
        found[f"latest, from the middle: {name}"] = always(f"/api/events/latest?{asked}&before={before}")
        found[f"in order: {name}"] = always(f"/api/events?{asked}")
        found[f"in order, from the middle: {name}"] = always(f"/api/events?{asked}&after={events // 2}")
    return found


async def ask(http: httpx2.AsyncClient, events: int, times: int) -> list[dict[str, Any]]:
    """Ask everything, and return how long the server took."""
    found = []
    for name, question in questions(events).items():
        taken: list[float] = []
        until = time.monotonic() + 10
        while len(taken) < times and (len(taken) < 3 or time.monotonic() < until):
            path = question()
            began = time.perf_counter()
            answer = await http.get(path)
            taken.append((time.perf_counter() - began) * 1_000)
            if answer.status_code >= 400 and answer.status_code != 404:
                message = f"{path}: {answer.status_code} {answer.text[:200]}"
                raise SystemExit(message)
        taken.sort()
        found.append(
            {
                "question": name,
                "status": answer.status_code,
                "p50_ms": round(taken[len(taken) // 2], 1),
                "p99_ms": round(taken[int(len(taken) * 0.99)], 1),
                "max_ms": round(taken[-1], 1),
            }
        )
    return found


async def measure(url: str, events: int, times: int, *, filled: bool) -> dict[str, Any]:
    """Fill and ask."""
    store = Store(url, metadata=(metadata,), service="console")
    await store.open()
    try:
        seconds = (
            0.0 if filled else await fill(Index(store, Promises(store, Declarations(), Metrics("console"))), events)
        )
    finally:
        await store.close()
    blind: dict[Any, Any] = {
        Gatherer: Gatherer(Blind()),
        Declarations: Declarations(),
        Boards: Boards(Mesh(Settings(), ConsoleSettings())),
    }
    load = os.getloadavg()[0]
    async with Harness(service, database_url=url, provide=blind) as console:
        asked = await ask(console.http, events, times)
    return {"events": events, "filled_s": round(seconds, 1), "load": [load, os.getloadavg()[0]], "asked": asked}


@contextmanager
def database(*, given: str, postgresql: bool) -> Iterator[str]:
    """Yield the URL of the database that was asked for."""
    if given:
        yield given
    elif postgresql:
        with PostgreSQLServer() as server:
            yield server.database("console")
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'console.db'}"


def main() -> None:
    """Measure, say it, and fail where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=100)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--database", default="")
    where.add_argument("--postgresql", action="store_true")
    parser.add_argument("--filled", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with database(given=given.database, postgresql=given.postgresql) as url:
        found = asyncio.run(measure(url, given.events, given.asked, filled=given.filled))
    if given.json:
        print(json.dumps(found))
    else:
        print(f"{found['events']:,} events, filled in {found['filled_s']} s, load {found['load']}")
        for one in sorted(found["asked"], key=lambda each: -each["p99_ms"]):
            print(
                f"{one['question']:60} {one['status']}  p50 {one['p50_ms']:8}  p99 {one['p99_ms']:8}  {one['max_ms']:8}"
            )
    if any(one["p99_ms"] > BAR_MS for one in found["asked"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
