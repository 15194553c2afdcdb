"""Envelope: who an event is, where it comes from, and which flow it belongs to (CloudEvents over Kafka headers)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from farandole import headers as names
from farandole.headers import Headers

SPEC_VERSION: Final = b"1.0"
MAX_ID_BYTES: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """The CloudEvents attributes of an event, its flow and its cause.

    ``correlation_id`` names the flow: the id of the first event of the chain. ``causation_id`` names the event that
    this one answers; ``causes`` names all of them where there are several (a join). ``time`` is RFC 3339, as written.
    """

    id: str
    type: str
    source: str
    subject: str
    time: str
    correlation_id: str
    causation_id: str | None = None
    causes: tuple[str, ...] = ()
    traceparent: str | None = None

    def headers(self) -> Headers:
        """Render the Kafka headers, in a fixed order; absent attributes are left out."""
        pairs = [
            (names.SPEC_VERSION, SPEC_VERSION),
            (names.ID, self.id.encode()),
            (names.TYPE, self.type.encode()),
            (names.SOURCE, self.source.encode()),
            (names.SUBJECT, self.subject.encode()),
            (names.TIME, self.time.encode()),
            (names.CORRELATION_ID, self.correlation_id.encode()),
        ]
        if self.causation_id is not None:
            pairs.append((names.CAUSATION_ID, self.causation_id.encode()))
        if self.causes:
            pairs.append((names.CAUSES, ",".join(self.causes).encode()))
        if self.traceparent is not None:
            pairs.append((names.TRACEPARENT, self.traceparent.encode()))
        return tuple(pairs)

    @classmethod
    def parse(cls, headers: Iterable[tuple[str, bytes | None]], *, fallback: Envelope) -> Envelope:
        """Read an envelope from record headers; what is missing, empty or not text is taken from ``fallback``.

        Headers are untrusted: nothing here raises on them. An id longer than 256 bytes is not believed.
        """
        seen: dict[str, str] = {}
        for name, value in headers:
            if value and (name.startswith("ce_") or name == names.TRACEPARENT):
                seen[name] = _text(value)
        event_id = seen.get(names.ID, "")
        if not event_id or len(event_id.encode()) > MAX_ID_BYTES:
            event_id = fallback.id
        causes = tuple(filter(None, seen.get(names.CAUSES, "").split(",")))
        return cls(
            id=event_id,
            type=seen.get(names.TYPE) or fallback.type,
            source=seen.get(names.SOURCE) or fallback.source,
            subject=seen.get(names.SUBJECT) or fallback.subject,
            time=seen.get(names.TIME) or fallback.time,
            correlation_id=seen.get(names.CORRELATION_ID) or event_id,
            causation_id=seen.get(names.CAUSATION_ID) or None,
            causes=causes,
            traceparent=seen.get(names.TRACEPARENT) or None,
        )


def rfc3339(moment: datetime) -> str:
    """Write a moment as CloudEvents wants it: RFC 3339 in UTC with milliseconds and a ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return ""
