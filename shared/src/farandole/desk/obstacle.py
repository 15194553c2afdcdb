"""Obstacle: why a dead letter is not sent again, or not put aside. Pure."""

from __future__ import annotations

from farandole.desk.case import Case, Standing
from farandole.desk.letter import Letter
from farandole.engine.intake import MOST_ATTEMPTS
from farandole.ledger import State


def to_redrive(case: Case, *, force: bool = False) -> str:  # noqa: PLR0911 - one a reason
    """Return why a case is not sent again; nothing where it is.

    It is sent if it is open and the ledger has given it up at that very attempt, or knows nothing of it (PROTOCOL 6).
    ``force`` sends also what the ledger has given up at a lower attempt, as after a wipe in the middle of a retry.
    """
    letter, entry = case.letter, case.entry
    if case.standing is not Standing.OPEN:
        return _closed(case)
    if case.handled is not None:
        return f"handled at attempt {case.handled} already, which is final: farandole dlq discard"
    if letter.is_bare:
        return f"too large for a private topic: the record is only at {_place(letter)}; have its source send it smaller"
    if letter.size is None:
        return "a record without a value, which is no event: farandole dlq edit gives it one, or farandole dlq discard"
    if letter.attempt >= MOST_ATTEMPTS:
        return f"attempt {letter.attempt} is the last that is believed"
    if entry is None or entry.attempt == letter.attempt:
        return ""
    if entry.attempt > letter.attempt:
        return f"given up again at attempt {entry.attempt}, and that dead letter is not here: farandole audit"
    why = f"the ledger gave it up at attempt {entry.attempt}, its headers say {letter.attempt}"
    return "" if force else f"{why}: somebody made them, or Redis was wiped in between; --force sends it"


def to_discard(case: Case) -> str:
    """Return why a case is not put aside; nothing where it is. What is handled needs it not, and keeps its row."""
    if case.inbox is not None and case.inbox.is_handled:
        return f"its database handled it at attempt {case.inbox.attempt}"
    return "" if case.standing is Standing.OPEN else _closed(case)


def to_reopen(case: Case) -> str:
    """Return why a case is not opened again; nothing where it is."""
    return "" if case.standing is Standing.DISCARDED else f"it is {case.standing.value}, not discarded"


def to_edit(case: Case) -> str:
    """Return why the payload of a case is not changed; nothing where it may be."""
    if case.standing is not Standing.OPEN:
        return _closed(case)
    if case.handled is not None:
        return f"handled at attempt {case.handled} already, which is final"
    if case.letter.is_bare:
        return f"its record is only at {_place(case.letter)}, too large for a private topic"
    return ""


def _place(letter: Letter) -> str:
    """Return where the event lies; a header says so, which may say anything."""
    return "".join(one if one.isprintable() else "�" for one in str(letter.origin))


def _closed(case: Case) -> str:
    match case.standing:
        case Standing.RESOLVED:
            return f"handled since, at attempt {case.handled}"
        case Standing.REDRIVEN:
            entry = case.entry
            state = "" if entry is None or entry.state is State.DEAD else f", {entry.state.name.lower()}"
            return f"on its way already{state}"
        case _:
            return f"{case.standing.value}: farandole dlq reopen opens it again"
