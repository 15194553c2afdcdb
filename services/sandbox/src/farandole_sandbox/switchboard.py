"""Switchboard: the faults that are switched on, and which of them strike a call."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from farandole.clock import Clock

from farandole_sandbox.books import Books
from farandole_sandbox.bucket import Bucket
from farandole_sandbox.faults import UNHARMED, Fault, FaultKind, Struck, System


@dataclass(kw_only=True, slots=True)
class Switch:
    """A fault that is on: how many calls it saw and struck, and the bucket of its rate limit."""

    id: str
    fault: Fault
    seen: int = 0
    hits: int = 0
    bucket: Bucket | None = None


class Switchboard:
    """Knows the faults and asks them, in the order in which they were switched on.

    They are kept in the books, so a sandbox that was killed comes back as broken as it was. Use from one event loop.
    """

    def __init__(self, books: Books, clock: Clock) -> None:
        self._books = books
        self._clock = clock
        self._switches: dict[str, Switch] = {}

    async def load(self) -> None:
        """Take up the faults that were on when the process before this one ended."""
        rows: list[tuple[int, bytes, int]] = await self._books.read(
            lambda connection: connection.execute("SELECT number, body, hits FROM faults ORDER BY number").fetchall()
        )
        for number, body, hits in rows:
            self._switches[f"fault_{number}"] = _switch(
                f"fault_{number}", msgspec.json.decode(body, type=Fault), seen=hits
            )

    async def switch_on(self, fault: Fault) -> Switch:
        """Switch a fault on, and return it once that is in the books."""
        fault = fault.from_now(self._clock.now())
        fault_id = await self._books.perform(_keeping(fault))
        self._switches[fault_id] = _switch(fault_id, fault, seen=0)
        return self._switches[fault_id]

    async def switch_off(self, fault_id: str | None = None) -> int:
        """Switch one fault off, or all of them, and return how many that were."""
        gone = [one for one in self._switches if fault_id in (None, one)]
        for one in gone:
            del self._switches[one]
        await self._books.perform(
            lambda connection: connection.executemany(
                "DELETE FROM faults WHERE number = ?", [(_number(one),) for one in gone]
            )
        )
        return len(gone)

    def on(self) -> tuple[Switch, ...]:
        """Return the faults that have not ended, oldest first."""
        now = self._clock.now()
        return tuple(s for s in self._switches.values() if not s.fault.over(hits=s.hits, now=now))

    def is_out(self, system: System) -> bool:
        """Say whether the system is in an outage, without counting a call."""
        return any(s.fault.kind is FaultKind.OUTAGE and s.fault.concerns(system) for s in self.on())

    def strike(self, system: System) -> Struck:
        """Say what strikes this call, and count it. A system without faults costs nothing."""
        if not self._switches:
            return UNHARMED
        now = self._clock.now()
        struck = [switch for switch in self.on() if switch.fault.concerns(system) and self._strikes(switch, now)]
        if not struck:
            return UNHARMED
        return Struck(
            kinds=frozenset(switch.fault.kind for switch in struck),
            delay=sum((_delay(switch) for switch in struck), timedelta(0)),
            retry_after=max(switch.fault.retry_after_seconds for switch in struck),
        )

    def _strikes(self, switch: Switch, now: datetime) -> bool:
        bucket = switch.bucket
        hit = switch.fault.drawn(switch.seen) if bucket is None else not bucket.take(now)
        switch.seen += 1
        if hit:
            switch.hits += 1
            if switch.fault.count is not None:
                self._books.tell(_counting(switch.id, switch.hits))
        return hit


def _switch(fault_id: str, fault: Fault, *, seen: int) -> Switch:
    bucket = Bucket(fault.per_second) if fault.kind is FaultKind.RATE_LIMIT and fault.per_second else None
    return Switch(id=fault_id, fault=fault, seen=seen, hits=seen, bucket=bucket)


def _delay(switch: Switch) -> timedelta:
    return switch.fault.latency(switch.seen - 1) if switch.fault.kind is FaultKind.LATENCY else timedelta(0)


def _keeping(fault: Fault) -> Callable[[sqlite3.Connection], str]:
    def keep(connection: sqlite3.Connection) -> str:
        cursor = connection.execute("INSERT INTO faults (body) VALUES (?)", (msgspec.json.encode(fault),))
        return f"fault_{cursor.lastrowid}"

    return keep


def _counting(fault_id: str, hits: int) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(
        "UPDATE faults SET hits = ? WHERE number = ?", (hits, _number(fault_id))
    )


def _number(fault_id: str) -> int:
    return int(fault_id.removeprefix("fault_"))
