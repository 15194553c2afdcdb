"""Dead letters and retry records: what a service writes to its own private topics about a delivery that failed."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from farandole import headers as names
from farandole.delivery import Coordinates, Delivery, Replay
from farandole.headers import Headers

MOST_MESSAGE_BYTES: Final = 1_000
MOST_STACK_BYTES: Final = 4_000
OURS: Final = "/farandole/"
DISCARDED: Final = b"1"
REOPENED: Final = b"0"
TOO_LARGE: Final = "(too large for a dead letter:"
"""How the message of a dead letter begins that has everything but the record itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What is told of a failure: the error's class, its message and a trimmed stack."""

    error_class: str
    message: str
    stack: str = ""

    @classmethod
    def of(cls, error: BaseException, reason: str) -> Report:
        """Describe an error; of its stack only the author's own frames and the last of ours are kept."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if OURS not in frame.filename] or frames[-1:]
        stack = "".join(traceback.format_list(own))
        return cls(error_class=type(error).__qualname__, message=reason, stack=stack)


UNTOLD: Final = Report(
    error_class="Unknown",
    message="the worker that recorded this decision ended before it could publish it; what failed was lost with it",
)


def private_headers(
    delivery: Delivery,
    report: Report,
    *,
    attempt: int,
    handler: str,
    version: str,
    delay: timedelta | None = None,
    with_foreign: bool = True,
) -> Headers:
    """Return the headers of a retry record (with a ``delay``) or of a dead letter (without).

    The envelope goes along, and, ``with_foreign``, every foreign header of the original; what it carried under our
    private names does not, but for the operation and the replay that it belongs to: these go with it to the end.
    """
    envelope = delivery.envelope.headers()
    foreign = names.foreign(delivery.record.headers) if with_foreign else ()
    first = delivery.first_failed or delivery.coordinates
    own = [
        (names.ATTEMPT, str(attempt)),
        (names.ROUND, str(delivery.round_start)),
        (names.ORIGIN, written(delivery.origin)),
        (names.FIRST_FAILED, written(first)),
        (names.HANDLER, handler),
        (names.SERVICE_VERSION, version),
        (names.ERROR_CLASS, report.error_class),
        (names.ERROR_MESSAGE, _cut(report.message, MOST_MESSAGE_BYTES)),
    ]
    if delay is not None:
        own.append((names.DUE_AFTER_MS, str(max(1, round(delay / timedelta(milliseconds=1))))))
    if report.stack:
        own.append((names.ERROR_STACK, _cut(report.stack, MOST_STACK_BYTES)))
    belonging = operation_headers(delivery.operation, delivery.replay)
    return (*envelope, *foreign, *((name, text.encode("utf-8", "replace")) for name, text in own), *belonging)


def operation_headers(operation: str, replay: Replay | None) -> Headers:
    """Return the headers that say which operation sent a record to a private topic, and of which replay it is."""
    found = [(names.OPERATION, operation)] if operation else []
    if replay is not None:
        found.append((names.REPLAY, replay.id))
        found += [
            (name, "1") for name, is_so in ((names.EFFECTS, replay.effects), (names.CASCADE, replay.cascade)) if is_so
        ]
    return tuple((name, text.encode()) for name, text in found)


def discarding(delivery: Delivery) -> bool | None:
    """Return what an operator's mark on a ``.dlq`` topic says: put aside, or open again; None of a dead letter."""
    told = [value for name, value in delivery.record.headers if name == names.DISCARDS]
    return told[-1] != REOPENED if told else None


def written(coordinates: Coordinates) -> str:
    """Write coordinates as a header carries them."""
    return f"{coordinates.topic}|{coordinates.partition}|{coordinates.offset}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
