"""MemoryLedger: the ledger in memory, by the same rules, for the harness and for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex

from farandole.clock import Clock, SystemClock
from farandole.errors import LedgerUnavailableError
from farandole.ledger.claim import Claim, Verdict
from farandole.ledger.entry import Entry, State
from farandole.ledger.epoch import epoch_changed
from farandole.ledger.ledger import Answers
from farandole.ledger.rules import apply, conflicting, decide
from farandole.ledger.settle import Settle


class MemoryLedger:
    """The ledger in memory. Set ``unavailable`` to take it away, call ``wipe`` to make it forget.

    Several workers of one service share one object. Done entries are forgotten one ``window`` after they were settled,
    by ``clock``.
    """

    def __init__(self, *, window: timedelta = timedelta(days=7), clock: Clock | None = None) -> None:
        self.unavailable = False
        self._window = window
        self._clock = clock or SystemClock()
        self._epoch = token_hex(8)
        self._open: dict[bytes, Entry] = {}
        self._done: dict[bytes, tuple[datetime, Entry]] = {}

    def wipe(self) -> None:
        """Forget everything, as a Redis without its data does: whoever joined before is refused."""
        self._open.clear()
        self._done.clear()
        self._epoch = token_hex(8)

    def fail_over(self) -> None:
        """Begin another epoch with the entries as they are: a restart, or the promotion of a replica."""
        self._epoch = token_hex(8)

    async def join(self) -> str:
        """Return the epoch. Raises LedgerUnavailableError."""
        self._answering()
        return self._epoch

    async def exchange(self, epoch: str, settles: Sequence[Settle], claims: Sequence[Claim]) -> Answers:
        """Apply the settles, then the claims. Raises EpochChangedError or LedgerUnavailableError."""
        self._answering()
        if epoch != self._epoch:
            raise epoch_changed()
        self._forget()
        settled = tuple(map(self._settle, settles))
        answers = tuple(map(self._claim, claims))
        return Answers(
            settled=settled,
            claimed=tuple(verdict for verdict, _ in answers),
            conflicting=tuple(conflict for _, conflict in answers),
        )

    async def entries(self) -> Mapping[bytes, Entry]:
        """Return the open entries. Raises LedgerUnavailableError."""
        self._answering()
        return dict(self._open)

    async def lookup(self, keys: Iterable[bytes]) -> Mapping[bytes, Entry | None]:
        """Return what is known of these events. Raises LedgerUnavailableError."""
        self._answering()
        self._forget()
        return {key: self._find(key) for key in keys}

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _settle(self, settle: Settle) -> bool:
        found = self._find(settle.key)
        entry, accepted = apply(found, settle)
        self._keep(settle.key, found, entry)
        return accepted

    def _claim(self, claim: Claim) -> tuple[Verdict, bool]:
        found = self._find(claim.key)
        entry, verdict = decide(found, claim)
        self._keep(claim.key, found, entry)
        return verdict, conflicting(found, claim)

    def _find(self, key: bytes) -> Entry | None:
        done = self._done.get(key)
        return done[1] if done else self._open.get(key)

    def _keep(self, key: bytes, before: Entry | None, after: Entry | None) -> None:
        if after is None or after == before:
            return
        if after.state is State.DONE:
            self._open.pop(key, None)
            self._done[key] = (self._clock.now(), after)
        else:
            self._open[key] = after

    def _forget(self) -> None:
        """Drop the done entries past the window; they lie in the order in which they were settled."""
        oldest = self._clock.now() - self._window
        expired = []
        for key, (settled, _) in self._done.items():
            if settled > oldest:
                break
            expired.append(key)
        for key in expired:
            del self._done[key]

    def _answering(self) -> None:
        if self.unavailable:
            raise LedgerUnavailableError(
                "the ledger does not answer",
                why="it was made unavailable",
                do="set ledger.unavailable = False",
            )
