"""ServiceBooks: what one service remembers, as an outsider reads it: its ledger in Redis, its database's inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from farandole.audit.trace import Trace
from farandole.ledger import Entry, RedisLedger
from farandole.store.entry import StoredFollowOn
from farandole.store.inbox_view import InboxView, Remembered


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What a service remembers of some events, and since when its ledger does."""

    entries: Mapping[bytes, Entry | None]
    rows: Mapping[tuple[str, str], Remembered]
    ledger_began: datetime | None


class ServiceBooks:
    """The memory of one service. Reads only. For one event loop."""

    def __init__(self, ledger: RedisLedger, inbox: InboxView | None) -> None:
        self._ledger = ledger
        self._inbox = inbox

    @property
    def has_inbox(self) -> bool:
        """Whether the service has a database."""
        return self._inbox is not None

    async def recall(self, traces: Mapping[bytes, Sequence[Trace]]) -> Memory:
        """Return what is remembered of these events.

        The ledger's beginning is read last: what it does not vouch for may have been forgotten in between.
        Raises LedgerUnavailableError and StoreUnavailableError.
        """
        entries = await self._ledger.lookup(traces)
        rows: Mapping[tuple[str, str], Remembered] = {}
        if self._inbox is not None:
            names = list({one[0].inbox_key for one in traces.values() if one})
            rows = await asyncio.to_thread(self._inbox.known, names)
        return Memory(entries=entries, rows=rows, ledger_began=await self._ledger.began())

    async def follow_ons(self, traces: Sequence[Trace]) -> Mapping[bytes, Sequence[StoredFollowOn]]:
        """Return the follow-ons that the inbox keeps of these events. Raises StoreUnavailableError."""
        if self._inbox is None:
            return {}
        found = await asyncio.to_thread(self._inbox.follow_ons, [one.inbox_key for one in traces])
        return {one.key: found[one.inbox_key] for one in traces if one.inbox_key in found}

    async def open_entries(self) -> Mapping[bytes, Entry]:
        """Return the entries that are claimed, announced or dead. Raises LedgerUnavailableError."""
        return await self._ledger.entries()

    async def close(self) -> None:
        """Let go of the connections."""
        if self._inbox is not None:
            self._inbox.close()
        await self._ledger.close()
