"""Sorting: a batch of domain records, sorted into new events of each service and repetitions of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farandole.audit.gathering import Cases
from farandole.audit.inquiry import Inquiry
from farandole.audit.reading import Reader
from farandole.audit.trace import Trace, trace_of
from farandole.audit.trail import Seen, Trail
from farandole.delivery import Record


class Sorting:
    """What a batch brought: ``cases`` are the events to judge, by the service's number; ``reused`` are ids taken twice.

    Repetitions are told to the inquiries at once; the trail knows the batch afterwards.
    """

    def __init__(self, reader: Reader, trail: Trail, records: Sequence[Record]) -> None:
        self.cases: dict[int, Cases] = {}
        self.reused: list[Trace] = []
        deliveries = [reader.delivery(record) for record in records]
        told = [trace_of(delivery) for delivery in deliveries]
        heard = [reader.hearing(delivery) for delivery in deliveries]
        keys = {trace.key for trace in told} | {trace.key for hearing in heard for _, trace in hearing}
        self._seen = trail.seen(list(keys))
        for delivery, trace, hearing in zip(deliveries, told, heard, strict=True):
            seen = self._seen.setdefault(trace.key, Seen(digest=delivery.digest, heard=0))
            if seen.digest != delivery.digest:
                self.reused.append(trace)
            for inquiry, own in hearing:
                self._sort(inquiry, own, delivery.digest)
        trail.see(self._seen)
        trail.answer(key for delivery in deliveries for key in reader.answers(delivery))

    def _sort(self, inquiry: Inquiry, trace: Trace, digest: int) -> None:
        seen = self._seen.setdefault(trace.key, Seen(digest=digest, heard=0))
        bit = 1 << inquiry.number
        cases = self.cases.setdefault(inquiry.number, {})
        if trace.key in cases:
            cases[trace.key].append(trace)
        if seen.heard & bit:
            inquiry.repeat(trace)
        else:
            cases[trace.key] = [trace]
            seen.heard |= bit


def with_private(cases: Cases, private: Mapping[bytes, Sequence[Trace]]) -> Cases:
    """Return the events with what the private topics say of them."""
    return {key: [*traces, *private.get(key, ())] for key, traces in cases.items()}
