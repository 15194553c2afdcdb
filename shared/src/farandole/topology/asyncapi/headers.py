"""Headers: which Kafka headers the records of each kind of topic carry, as JSON schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from farandole import headers

_REQUIRED: Final = (
    headers.SPEC_VERSION,
    headers.ID,
    headers.TYPE,
    headers.SOURCE,
    headers.SUBJECT,
    headers.TIME,
    headers.CORRELATION_ID,
)
_FAILED: Final = (
    headers.ATTEMPT,
    headers.ROUND,
    headers.ORIGIN,
    headers.FIRST_FAILED,
    headers.HANDLER,
    headers.SERVICE_VERSION,
    headers.ERROR_CLASS,
    headers.ERROR_MESSAGE,
)
_OPERATED: Final = (headers.OPERATION, headers.REPLAY, headers.EFFECTS, headers.CASCADE)
PLAIN: Final = "envelope"
"""What an event carries on its domain topic; the kinds of private topics carry more."""
PRIVATE: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "retry": ((*_FAILED, headers.DUE_AFTER_MS), (headers.ERROR_STACK, *_OPERATED)),
    # A service without tiers retries through its redelivery topic; a discard marks letters on the topic where they lie.
    "redelivery": ((headers.ATTEMPT,), (*_FAILED, headers.DUE_AFTER_MS, headers.ERROR_STACK, *_OPERATED)),
    "dlq": ((headers.ATTEMPT,), (*_FAILED, headers.ERROR_STACK, headers.DISCARDS, headers.EDITED_FROM, *_OPERATED)),
}


def headers_of(kind: str) -> Mapping[str, Any]:
    """Return the schema of the headers of a kind of topic."""
    needed, possible = PRIVATE.get(kind, ((), ()))
    needed = (*_REQUIRED, *needed)
    return {
        "type": "object",
        "required": list(needed),
        "properties": {
            name: {"type": "string", **({"const": "1.0"} if name == headers.SPEC_VERSION else {})}
            for name in sorted({*needed, *possible, headers.CAUSATION_ID, headers.CAUSES, headers.TRACEPARENT})
        },
    }


def kind_of(topic: str) -> str:
    """Return the kind of a private topic by its name."""
    last = topic.rpartition(".")[2]
    return last if last in PRIVATE else "retry"
