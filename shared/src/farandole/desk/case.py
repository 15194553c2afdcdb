"""Case: all that is known of one event with dead letters, and whether anything is left to do about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from farandole.desk.letter import Letter, Mark
from farandole.ledger import Entry, State
from farandole.store.inbox_view import Remembered


class Standing(Enum):
    """Where a dead letter stands. The values are the words of the output."""

    OPEN = "open"
    """Nothing has closed it."""
    REDRIVEN = "redriven"
    """A later attempt is on its way, or begun."""
    RESOLVED = "resolved"
    """The event has been handled since."""
    DISCARDED = "discarded"
    """Somebody put it aside."""
    SUPERSEDED = "superseded"
    """Another letter of the same event counts: of a higher attempt, an edited one, or the first of several copies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One event: its ``letters`` and ``marks`` in the order in which they were written, and what is remembered of it.

    ``to_come`` is the highest attempt among the records on their way to the service, None where there is none.
    """

    letters: Sequence[Letter]
    marks: Sequence[Mark] = ()
    entry: Entry | None = None
    inbox: Remembered | None = None
    to_come: int | None = None

    @property
    def letter(self) -> Letter:
        """The one that counts: of the highest attempt the last edited one, else the first that knows what failed.

        Of several of one attempt the others are copies: published again after a crash, with nothing new in them.
        """
        highest = max(one.attempt for one in self.letters)
        last = [one for one in self.letters if one.attempt == highest]
        edited = [one for one in last if one.is_edited]
        if edited:
            return edited[-1]
        return next((one for one in last if not one.is_untold), last[0])

    @property
    def handled(self) -> int | None:
        """The highest attempt at which the event is known to be handled."""
        done = [self.entry.attempt] if self.entry is not None and self.entry.state is State.DONE else []
        done += [self.inbox.attempt] if self.inbox is not None and self.inbox.is_handled else []
        return max(done, default=None)

    @property
    def standing(self) -> Standing:
        """Where the letter that counts stands. It is open unless something proves that it is not (PROTOCOL 9)."""
        attempt, handled = self.letter.attempt, self.handled
        if handled is not None and handled >= attempt:
            return Standing.RESOLVED
        if self._is_on_its_way(attempt):
            return Standing.REDRIVEN
        return Standing.DISCARDED if self._is_discarded(attempt) else Standing.OPEN

    def standing_of(self, letter: Letter) -> Standing:
        """Return where one letter of the event stands."""
        return self.standing if letter is self.letter else Standing.SUPERSEDED

    def _is_on_its_way(self, attempt: int) -> bool:
        if self.to_come is not None and self.to_come > attempt:
            return True
        # Claimed at its own attempt it is delivered once more: Redis forgot that it was given up.
        return self.entry is not None and self.entry.state in {State.CLAIMED, State.RETRY}

    def _is_discarded(self, attempt: int) -> bool:
        told = [one for one in self.marks if one.attempt >= attempt]
        return bool(told) and told[-1].discards
