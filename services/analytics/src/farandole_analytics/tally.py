"""Tally: takes deliveries of orders, one by one, and counts each once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import MutableMapping
from datetime import timedelta
from enum import StrEnum

from farandole import Clock, Delivery
from farandole_events.orders import OrderPlaced

from farandole_analytics.minutes import Minutes
from farandole_analytics.sale import minute_of, sale_of
from farandole_analytics.share import Share, ShareKey, decode, encode, key_of


class Verdict(StrEnum):
    """What became of a delivery: counted, counted before, or too old for its minute to be kept still."""

    COUNTED = "counted"
    DUPLICATE = "duplicate"
    LATE = "late"


class Tally:
    """Counts into a table, which is cut by partition, and into the minutes.

    What is too old is judged by the broker's clock, by the latest record of the partition: so a replay of old orders
    counts them as it would have then. Nothing here suspends, so a crash or a cancellation finds a delivery either
    counted or not.
    """

    def __init__(self, table: MutableMapping[bytes, bytes], *, minutes: Minutes, keep: timedelta, clock: Clock) -> None:
        self._table = table
        self._minutes = minutes
        self._keep = keep
        self._clock = clock
        self._oldest: defaultdict[int, int] = defaultdict(int)

    def take(self, order: OrderPlaced, delivery: Delivery) -> Verdict:
        """Count a delivery, unless it is counted already."""
        partition = delivery.coordinates.partition
        appended = delivery.record.appended
        self._forget(partition, before=minute_of(appended - self._keep))
        sale = sale_of(order, delivery)
        if sale.minute < self._oldest[partition]:
            return Verdict.LATE
        key = key_of(sale, partition=partition).encode()
        share = decode(self._table[key]) if key in self._table else Share()
        counted = share.counting(sale, appended=appended.timestamp())
        if counted is None:
            return Verdict.DUPLICATE
        self._table[key] = encode(counted)
        self._minutes.add(sale.minute, sale.parts, now=self._clock.now())
        return Verdict.COUNTED

    def recovered(self) -> None:
        """Read the whole table, after it was recovered."""
        shares = [(ShareKey.decode(key), decode(value)) for key, value in self._table.items()]
        self._minutes.rebuild(shares, now=self._clock.now())
        for key, share in shares:
            oldest = int(share.touched - self._keep.total_seconds()) // 60
            self._oldest[key.partition] = max(self._oldest[key.partition], oldest)

    def _forget(self, partition: int, *, before: int) -> None:
        if before <= self._oldest[partition]:
            return
        self._oldest[partition] = before
        for key in list(self._table):
            known = ShareKey.decode(key)
            if known.partition == partition and known.minute < before:
                del self._table[key]
        self._minutes.forget(before)
