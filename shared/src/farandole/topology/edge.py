"""Edges of a topology: who hears an event type, who emits one, and who observes everything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from farandole.place import Place


class Through(StrEnum):
    """By what a service hears or emits."""

    HANDLER = "handler"
    TIMER = "timer"
    OUTBOX = "outbox"
    """Put into the outbox by a request, a webhook or plain code, as `Service.emits` declares."""
    ELSEWHERE = "elsewhere"
    """By other means than the library's, as `Service.hears` and `Service.emits` declare."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hearing:
    """A service hears an event type (a full name)."""

    service: str
    event: str
    through: Through
    place: Place
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Emission:
    """A service emits an event type; ``answers`` is the type that it answers, where a handler emits it."""

    service: str
    event: str
    through: Through
    place: Place
    answers: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A service observes every event. Observers do not count where an event is asked for whom it is."""

    service: str
    place: Place
