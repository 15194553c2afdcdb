"""Happenings for tests: made by hand, in few words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from farandole.delivery import Coordinates
from farandole.flow.happening import Happening, Kind

BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC)


def happening(
    kind: Kind,
    event_id: str,
    *,
    service: str,
    cause: str | None = None,
    causes: tuple[str, ...] = (),
    seconds: float = 0,
    offset: int = 0,
    topic: str = "",
    flow: str = "flow",
    attempt: int = 0,
    due: float | None = None,
    message: str = "",
    digest: int = 0,
    replay: str = "",
) -> Happening:
    """Return something that happened ``seconds`` after the beginning."""
    at = Coordinates(topic=topic or f"{service}-{kind.name.lower()}", partition=0, offset=offset)
    return Happening(
        kind=kind,
        service=service,
        source="hall",
        event_id=event_id,
        type=f"hall.{event_id}",
        subject="key",
        flow_id=flow,
        at=BEGAN + timedelta(seconds=seconds),
        coordinates=at,
        origin=at,
        causation_id=cause,
        causes=causes,
        attempt=attempt,
        due=None if due is None else BEGAN + timedelta(seconds=due),
        message=message,
        digest=digest,
        replay_id=replay,
    )
