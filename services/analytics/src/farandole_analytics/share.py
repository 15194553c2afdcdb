"""Share: the part of one minute that is counted in one value of the table, with the ids that are in the count.

Ids and figures are one value because a crash may come between any two: kept apart, an event would be counted twice or
not at all. A minute is cut by partition, as the table is, and by the id's hash, so that a busy minute does not write
all its ids again for each order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from farandole_analytics.figures import By, Figures, Parts, Slice, together
from farandole_analytics.sale import MARK_BYTES, Sale

BUCKETS: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class ShareKey:
    """Where a share is kept: the partition that its events come from, their minute, and a part of their ids."""

    partition: int
    minute: int
    bucket: int

    def encode(self) -> bytes:
        """Return the key in the table."""
        return f"{self.partition}.{self.minute}.{self.bucket}".encode()

    @classmethod
    def decode(cls, key: bytes) -> ShareKey:
        """Read a key of the table."""
        partition, minute, bucket = key.decode().split(".")
        return cls(partition=int(partition), minute=int(minute), bucket=int(bucket))


def key_of(sale: Sale, *, partition: int) -> ShareKey:
    """Return the key of the share that a sale belongs to."""
    return ShareKey(partition=partition, minute=sale.minute, bucket=sale.mark[0] % BUCKETS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """The marks that were counted, what they add up to, and when the broker appended the latest (epoch seconds)."""

    marks: frozenset[bytes] = frozenset()
    parts: Parts = field(default_factory=dict[Slice, Figures])
    touched: float = 0.0

    def counting(self, sale: Sale, *, appended: float) -> Share | None:
        """Return the share with this sale in it, or None where it is counted already."""
        if sale.mark in self.marks:
            return None
        return Share(
            marks=self.marks | {sale.mark},
            parts=together(self.parts, sale.parts),
            touched=max(self.touched, appended),
        )


class _Wire(msgspec.Struct, array_like=True):
    marks: bytes
    touched: float
    rows: list[tuple[str, str, str, int, int, int]]


def encode(share: Share) -> bytes:
    """Return the value in the table."""
    rows = [
        (part.by.value, part.name, part.currency, figures.orders, figures.units, figures.revenue_cents)
        for part, figures in sorted(share.parts.items())
    ]
    return msgspec.msgpack.encode(_Wire(marks=b"".join(sorted(share.marks)), touched=share.touched, rows=rows))


def decode(value: bytes) -> Share:
    """Read a value of the table. Raises msgspec.MsgspecError where it is none."""
    wire = msgspec.msgpack.decode(value, type=_Wire)
    return Share(
        marks=frozenset(_cut(wire.marks)),
        touched=wire.touched,
        parts={
            Slice(by=By(by), name=name, currency=currency): Figures(orders=orders, units=units, revenue_cents=cents)
            for by, name, currency, orders, units, cents in wire.rows
        },
    )


def _cut(marks: bytes) -> Iterable[bytes]:
    return (marks[start : start + MARK_BYTES] for start in range(0, len(marks), MARK_BYTES))
