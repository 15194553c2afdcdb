"""Plan: what a rebuild would read and make, before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a rebuild would do.

    Args:
        service: whose store it is.
        current: the generation that answers now.
        generation: the one that is built.
        resumes: who began it, where it was begun before and is only gone on with; else empty.
        since: where the history begins; None for the beginning of the logs.
        topics: what is read.
        records: how many offsets are to be read, as the logs are now.
        gone: how many offsets the logs held once and hold no longer: what only they told will be missing.
        drops: the generations that go for good when this one answers.
    """

    service: str
    current: int
    generation: int
    resumes: str
    since: datetime | None
    topics: tuple[str, ...]
    records: int
    gone: int
    drops: tuple[int, ...]
