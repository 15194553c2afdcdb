"""Refusals: why a record is for no handler, although it cannot be passed over either. It becomes a dead letter."""

from __future__ import annotations

from typing import Final

from farandole.envelope import Envelope
from farandole.errors import UndecodableError

MOST_NAME: Final = 256


def nameless() -> UndecodableError:
    """Return the refusal of a record that names no event type, neither in its headers nor in its bytes."""
    return UndecodableError(
        "the type of this event cannot be told",
        why="it has no ce_type header and its bytes name no known schema",
        do="read it in the dead-letter topic (docs/howto/look-at-a-dead-letter.md), and mend who wrote it",
    )


def unheard(event_type: str, *, service: str) -> UndecodableError:
    """Return the refusal of a record of a private topic that no handler hears."""
    if not event_type:
        return nameless()
    return UndecodableError(
        f"{service} does not hear {event_type}",
        why="the record lies on a private topic: another version of the service wrote it, or an operator",
        do="deploy the version that hears it, then send it again",
    )


def misplaced(envelope: Envelope, *, topic: str, right: str) -> UndecodableError:
    """Return the refusal of an event on another topic than its type's: its writer is not the one who may write it."""
    return UndecodableError(
        f"{envelope.type} {envelope.id} lies on {topic}",
        why=f"its topic is {right}; on any other nobody answers for who wrote it, and its order is lost",
        do=f"mend who wrote it, and publish it on {right}",
    )


def misnamed(envelope: Envelope, *, by_bytes: str) -> UndecodableError:
    """Return the refusal of a record that says that it is of a type that nobody here hears, while its bytes are."""
    return UndecodableError(
        f"{envelope.type[:MOST_NAME]} {envelope.id} is a {by_bytes} by its bytes",
        why="its ce_type header and its schema id contradict each other",
        do="mend who wrote it, and publish it under the type that it is",
    )


def unreplayable() -> UndecodableError:
    """Return the refusal of a record of a private topic whose replay nobody can name."""
    return UndecodableError(
        "the replay that this record belongs to cannot be told",
        why="its farandole_replay header is none that a replay writes",
        do="send the event again with `farandole replay`, not by hand",
    )
