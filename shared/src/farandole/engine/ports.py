"""The engine's ports to the broker: a source of records and a publisher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from farandole.delivery import Record
from farandole.headers import Headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Partition:
    """A partition of a topic."""

    topic: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A record to publish. The key decides the partition, and with it the order, unless one is named."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None


class Source(Protocol):
    """Where records come from, and where it is remembered which of them are finished.

    Records of one partition are handed out in their order. A record belongs to the assignment under which it was
    fetched; when that assignment ends, `on_abandoned` is called with its number and finishing its records does nothing.
    """

    async def start(self, on_abandoned: Callable[[int], None]) -> None:
        """Join the group. Raises BrokerUnavailableError."""
        ...

    async def fetch(self) -> Sequence[Record]:
        """Return the next records, at most a batch; empty when nothing came for a while."""
        ...

    def finish(self, record: Record) -> None:
        """Say that a record's work is settled. The contiguous finished offsets are committed soon after."""
        ...

    def pause(self, partition: Partition) -> None:
        """Fetch nothing more of a partition until it is resumed; remembered across assignments."""
        ...

    def resume(self, partition: Partition) -> None:
        """Fetch a paused partition again."""
        ...

    def uncommitted(self, partition: Partition) -> int:
        """Return how many offsets a crash now would bring back; 0 for a partition that is not assigned."""
        ...

    async def rejoin(self) -> None:
        """Abandon every assignment and start again from the committed offsets."""
        ...

    async def close(self) -> None:
        """Commit what is finished and leave the group."""
        ...


class Publisher(Protocol):
    """Where messages go."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is acknowledged by all in-sync replicas.

        Messages of one partition keep their order. Raises BrokerUnavailableError when an acknowledgement did not
        come: the messages may then be there or not.
        """
        ...
