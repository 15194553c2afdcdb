"""Operation: something that an operator does to a mesh, as it is recorded before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Annotated, Final

from msgspec import Meta

MOST_WORDS: Final = 2_000
MOST_COMMAND: Final = 4_000
MOST_NAME: Final = 300

Name = Annotated[str, Meta(max_length=MOST_NAME)]
Words = Annotated[str, Meta(max_length=MOST_WORDS)]
Moment = Annotated[datetime, Meta(tz=True)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A redrive, a replay, a discard …: which service it is done to, by whom, why, and by what command.

    ``who`` is what the machine says (user@host), ``claimed`` what the operator says of himself; neither is proved: the
    brokers' own permissions are what protects a mesh. ``command`` is the command line without secrets.
    """

    id: Name
    kind: Name
    service: Name
    who: Name
    why: Words
    at: Moment
    command: Annotated[str, Meta(max_length=MOST_COMMAND)] = ""
    claimed: Name = ""
    context: Name = ""

    def __str__(self) -> str:
        return f"{self.kind} of {self.service} by {self.claimed or self.who} since {self.at:%Y-%m-%d %H:%M:%S} UTC"


def new_id(at: datetime) -> str:
    """Return an id for an operation that begins at ``at``: ids sort by time, and never meet."""
    return f"{at:%Y%m%dT%H%M%S}-{token_hex(4)}"
