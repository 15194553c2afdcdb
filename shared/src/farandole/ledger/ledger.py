"""Ledger: which delivery of an event counts, for one service of one cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from farandole.ledger.claim import Claim, Verdict
from farandole.ledger.entry import Entry
from farandole.ledger.settle import Settle


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The ledger's answers, each in the order of its questions.

    ``settled[i]`` is False where a settle was refused: the delivery was lost to another worker, so nothing is
    published and nothing committed for it; it is claimed again if it is still assigned. ``conflicting[i]`` is True
    where a claim carries other content than the entry under the same id.
    """

    settled: tuple[bool, ...] = ()
    claimed: tuple[Verdict, ...] = ()
    conflicting: tuple[bool, ...] = ()


class Ledger(Protocol):
    """Which delivery of an event counts.

    An exchange is atomic: no other worker sees or changes an entry in the middle of it. It may be sent again when its
    reply was lost; the answers are then the same, unless another worker came in between. One ledger object belongs to
    one event loop; any number of tasks may use it at once.
    """

    async def join(self) -> str:
        """Return the epoch, and make one where there is none; call it again after EpochChangedError.

        Everything fetched under another epoch has to be abandoned, and the consumer group rejoined *after* this: only
        then is what is assigned known to be assigned within the epoch (the other way round loses events, see
        ``tests/conformance/ledger``).

        Raises:
            LedgerUnavailableError: Redis does not answer.
            StartError: Redis may evict entries, or is too old.
        """
        ...

    async def exchange(self, epoch: str, settles: Sequence[Settle], claims: Sequence[Claim]) -> Answers:
        """Apply the settles, then the claims, each in the order given, in one round trip.

        ``epoch`` is the one under which these deliveries were fetched.

        Raises:
            EpochChangedError: the ledger was wiped or failed over since; nothing was applied.
            LedgerUnavailableError: no answer. All of it or nothing was applied; the same exchange may be sent again.
        """
        ...

    async def entries(self) -> Mapping[bytes, Entry]:
        """Return the open entries (claimed, retry, dead) for an audit.

        Entries that change meanwhile may be seen before or after the change. Raises LedgerUnavailableError.
        """
        ...

    async def lookup(self, keys: Iterable[bytes]) -> Mapping[bytes, Entry | None]:
        """Return what is known of these events, done ones included, and change nothing.

        Raises LedgerUnavailableError.
        """
        ...

    async def close(self) -> None:
        """Let go of the connections. Nothing is settled by it."""
        ...
