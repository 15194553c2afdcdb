"""The names of every Kafka header that Farandole reads or writes, once.

CloudEvents attributes travel as ``ce_…`` headers (CloudEvents Kafka binding, binary mode); ``correlationid`` and
``causationid`` are CloudEvents extensions. The ``farandole_…`` headers are believed only on a service's own private
topics, and are stripped from everything that a service publishes elsewhere (PROTOCOL rule: forgery).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SPEC_VERSION: Final = "ce_specversion"
ID: Final = "ce_id"
TYPE: Final = "ce_type"
SOURCE: Final = "ce_source"
SUBJECT: Final = "ce_subject"
TIME: Final = "ce_time"
CORRELATION_ID: Final = "ce_correlationid"
CAUSATION_ID: Final = "ce_causationid"
CAUSES: Final = "ce_causes"
TRACEPARENT: Final = "traceparent"

ATTEMPT: Final = "farandole_attempt"
ROUND: Final = "farandole_round"
DUE_AFTER_MS: Final = "farandole_due_after_ms"
ORIGIN: Final = "farandole_origin"
FIRST_FAILED: Final = "farandole_first_failed"
HANDLER: Final = "farandole_handler"
SERVICE_VERSION: Final = "farandole_service_version"
ERROR_CLASS: Final = "farandole_error_class"
ERROR_MESSAGE: Final = "farandole_error_message"
ERROR_STACK: Final = "farandole_error_stack"
DISCARDS: Final = "farandole_discards"
"""On a record of ``<service>.dlq`` that is no dead letter: ``1`` puts those of its event aside up to its attempt, ``0``
opens them again."""
EDITED_FROM: Final = "farandole_edited_from"
"""On a dead letter that an operator changed: the coordinates of the one that was."""

OPERATION: Final = "farandole_operation"
"""The id of the operation, a redrive, a replay, an edit or a discard, that sent the record."""
REPLAY: Final = "farandole_replay"
"""The id of the ``again`` replay that the record belongs to: its key in ledger and inbox is (event id, replay id)."""
EFFECTS: Final = "farandole_effects"
"""``1`` where handlers that touch an outside system run too."""
CASCADE: Final = "farandole_cascade"
"""``1`` where follow-ons are published, under ids of the replay's own."""

PRIVATE_PREFIX: Final = "farandole_"
ENVELOPE: Final = frozenset(
    (SPEC_VERSION, ID, TYPE, SOURCE, SUBJECT, TIME, CORRELATION_ID, CAUSATION_ID, CAUSES, TRACEPARENT)
)
"""What an envelope is made of. Other ``ce_`` headers are extensions of the sender's, and foreign to us."""
MOST_HEADERS: Final = 1_000
"""A megabyte holds half a million headers, of which each takes a hundred bytes of memory."""

Headers = tuple[tuple[str, bytes], ...]
"""Headers as Kafka keeps them: ordered, names may repeat; the last of a name counts."""


def foreign(headers: Headers) -> Headers:
    """Return the headers that are neither the envelope's nor ours: the sender's own."""
    return tuple(
        (name, value) for name, value in headers if name not in ENVELOPE and not name.startswith(PRIVATE_PREFIX)
    )


def kept(pairs: Iterable[tuple[str, bytes | None]]) -> Headers:
    """Return the headers that are kept of a record's: all of them, a null value as an empty one.

    Of more than a thousand only the envelope's are kept, the last of each name.
    """
    headers = tuple((name, value or b"") for name, value in pairs)
    if len(headers) <= MOST_HEADERS:
        return headers
    return tuple({name: value for name, value in headers if name in ENVELOPE}.items())
