"""What is wrong with a connection: the faults that a ``TcpProxy`` can put between a client and a server."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Self

_NOW = timedelta(0)


class Line(StrEnum):
    """What the line does with what it is given."""

    CARRIES = "carries"
    CUT = "cut"
    SWALLOWS = "swallows"
    STALLS = "stalls"


@dataclass(frozen=True, kw_only=True, slots=True)
class TcpFault:
    """The state of the line between clients and a server: healthy by default; the names below are the usual others.

    Attributes:
        line: ``CARRIES`` forwards. ``CUT`` resets what is open and refuses what is new. ``SWALLOWS`` is half-open:
            accepts, forwards nothing, never resets; what it swallowed is gone, so a connection that lost bytes is
            reset when this ends. ``STALLS`` holds every byte, and delivers all of them when this ends.
        there: How much later bytes reach the server.
        back: How much later bytes reach the client.
        bytes_per_second: The most that goes each way, each connection for itself; None sets no limit.
        reply_bytes: Reset a connection once so many bytes of reply have passed since this fault began: 0 loses the
            whole reply of a request that the server carried out. None loses nothing.
        replies: How many replies are lost that way, all connections together; the line carries again afterwards.
    """

    line: Line = Line.CARRIES
    there: timedelta = _NOW
    back: timedelta = _NOW
    bytes_per_second: int | None = None
    reply_bytes: int | None = None
    replies: int = 1

    def to_json(self) -> str:
        """Write it as one line of JSON, durations in seconds."""
        plain = {**asdict(self), "there": self.there.total_seconds(), "back": self.back.total_seconds()}
        return json.dumps(plain, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read what ``to_json`` wrote; what is left out is healthy.

        Raises:
            ValueError: It is no JSON, or names no such fault.
            TypeError: It holds a name that no fault has.
        """
        said = json.loads(line)
        there, back = (timedelta(seconds=said.pop(name, 0)) for name in ("there", "back"))
        return cls(line=Line(said.pop("line", Line.CARRIES)), there=there, back=back, **said)


HEALTHY = TcpFault()
CUT = TcpFault(line=Line.CUT)
HALF_OPEN = TcpFault(line=Line.SWALLOWS)
STALLED = TcpFault(line=Line.STALLS)


def slow(each_way: timedelta) -> TcpFault:
    """Bytes arrive so much later, there and back: a round trip takes twice as long."""
    return TcpFault(there=each_way, back=each_way)


def lost_reply(*, after: int = 0, replies: int = 1) -> TcpFault:
    """Lose the next ``replies`` replies from byte ``after`` on: the server did its work, nobody hears of it."""
    return TcpFault(reply_bytes=after, replies=replies)
