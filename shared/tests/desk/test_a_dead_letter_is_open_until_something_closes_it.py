"""A dead letter is open unless ledger or inbox prove that its event was handled since, or an operator put it aside.

Of several letters of one event one counts; a copy that a crash left behind is no second one. A redrive is sent only
where the ledger has given the event up at that very attempt, or knows nothing of it any more (PROTOCOL 6).
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from farandole.delivery import Record
from farandole.desk.board import Board
from farandole.desk.case import Case, Standing
from farandole.desk.desk import Desk
from farandole.desk.edit import Edit
from farandole.desk.obstacle import to_discard, to_edit, to_redrive, to_reopen
from farandole.engine.intake import MOST_ATTEMPTS
from farandole.errors import OperationError
from farandole.ledger import State
from farandole.schema import EventSchema
from lettered import case, entry, letter, mark


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (case(), Standing.OPEN),
        (case(entry=entry(State.DEAD, 2)), Standing.OPEN),
        (case(tombstone=2), Standing.OPEN),
        (case(entry=entry(State.DONE, 2)), Standing.RESOLVED),
        (case(entry=entry(State.DONE, 3)), Standing.RESOLVED),
        (case(entry=entry(State.DEAD, 2), handled=3), Standing.RESOLVED),
        (case(entry=entry(State.DONE, 1)), Standing.OPEN),
        (case(entry=entry(State.CLAIMED, 3)), Standing.REDRIVEN),
        (case(entry=entry(State.RETRY, 4)), Standing.REDRIVEN),
        (case(entry=entry(State.CLAIMED, 2)), Standing.REDRIVEN),
        (case(entry=entry(State.DEAD, 2), to_come=3), Standing.REDRIVEN),
        (case(entry=entry(State.DEAD, 2), to_come=2), Standing.OPEN),
        (case(entry=entry(State.DEAD, 3)), Standing.OPEN),
        (case(entry=entry(State.DEAD, 2), marks=[mark(2, 1, discards=True)]), Standing.DISCARDED),
        (case(marks=[mark(2, 1, discards=True), mark(2, 2, discards=False)]), Standing.OPEN),
        (case(marks=[mark(2, 1, discards=False), mark(2, 2, discards=True)]), Standing.DISCARDED),
        (case(marks=[mark(1, 1, discards=True)]), Standing.OPEN),
        (case(marks=[mark(2, 1, discards=True)], entry=entry(State.DONE, 3)), Standing.RESOLVED),
        (case(marks=[mark(2, 1, discards=True)], to_come=3), Standing.REDRIVEN),
    ],
)
def test_where_a_letter_stands(found: Case, standing: Standing):
    assert found.standing is standing


def test_of_several_letters_the_highest_attempt_counts():
    first, second = letter(2, 0), letter(4, 1)
    found = case(second, first)
    assert found.letter is second
    assert found.standing_of(first) is Standing.SUPERSEDED
    assert found.standing_of(second) is Standing.OPEN


def test_an_edited_letter_takes_the_place_of_the_original_and_the_last_edit_that_of_the_first():
    first, second = letter(2, 1, edited=True), letter(2, 2, edited=True)
    assert case(letter(2, 0), first, second, letter(2, 3)).letter is second
    assert case(letter(2, 0), first, letter(3, 4)).letter.attempt == 3


def test_of_two_copies_the_one_that_knows_what_failed_counts():
    told = letter(2, 1)
    assert case(letter(2, 0, error="Unknown"), told).letter is told
    for error in ("Unknown", "ValueError"):
        first = letter(2, 0, error=error)
        assert case(first, letter(2, 1, error=error)).letter is first


@pytest.mark.parametrize(
    "found",
    [
        case(entry=entry(State.DONE, 3)),
        case(entry=entry(State.DONE, 1)),
        case(entry=entry(State.CLAIMED, 2)),
        case(entry=entry(State.RETRY, 3)),
        case(entry=entry(State.DEAD, 3)),
        case(entry=entry(State.DEAD, 1)),
        case(entry=entry(State.DEAD, 2), handled=0),
        case(entry=entry(State.DEAD, 2), to_come=3),
        case(entry=entry(State.DEAD, 2), marks=[mark(2, 1, discards=True)]),
        case(letter(size=None), entry=entry(State.DEAD, 2)),
        case(replace(letter(size=None), is_bare=True), entry=entry(State.DEAD, 2)),
        case(letter(MOST_ATTEMPTS)),
    ],
)
def test_what_is_not_dead_at_its_own_attempt_is_not_sent_again(found: Case):
    assert to_redrive(found)


@pytest.mark.parametrize("found", [case(), case(entry=entry(State.DEAD, 2)), case(tombstone=2)])
def test_what_is_dead_at_its_own_attempt_or_forgotten_is_sent_again(found: Case):
    assert not to_redrive(found)


def test_headers_that_say_more_than_the_ledger_are_believed_only_on_demand():
    forged = case(letter(999), entry=entry(State.DEAD, 2))
    assert "its headers say 999" in to_redrive(forged)
    assert not to_redrive(forged, force=True)


def test_force_sends_nothing_that_is_handled_on_its_way_or_given_up_again():
    for state, attempt in ((State.DONE, 1), (State.CLAIMED, 2), (State.DEAD, 3)):
        assert to_redrive(case(entry=entry(state, attempt)), force=True)


def test_what_a_database_has_handled_cannot_be_discarded():
    assert "handled" in to_discard(case(entry=entry(State.DEAD, 2), handled=0))
    assert not to_discard(case(entry=entry(State.DONE, 1)))
    assert not to_discard(case(tombstone=2))


def test_what_is_closed_can_neither_be_discarded_nor_edited():
    for found in (case(handled=3), case(to_come=3), case(marks=[mark(2, 1, discards=True)])):
        assert to_discard(found)
        assert to_edit(found)
    assert not to_edit(case())
    assert not to_edit(case(letter(size=None)))


def test_only_what_is_discarded_can_be_opened_again():
    assert not to_reopen(case(marks=[mark(2, 1, discards=True)]))
    assert to_reopen(case())
    assert to_reopen(case(marks=[mark(2, 1, discards=True)], handled=3))


def edit_of(found: Case) -> Edit:
    """Return an edit as somebody has it open in an editor."""
    record = Record(
        coordinates=found.letter.coordinates, key=None, value=b"", headers=(), appended=found.letter.appended
    )
    return Edit(
        desk=cast("Desk", None), case=found, record=record, fields={}, schema=cast("EventSchema", None), wire_id=1
    )


@pytest.mark.parametrize(
    "now",
    [
        [case(handled=3)],
        [case(to_come=3)],
        [case(marks=[mark(2, 1, discards=True)])],
        [case(letter(2, 0), letter(3, 1))],
        [case(letter(2, 0), letter(2, 1, edited=True))],
        [],
    ],
)
def test_an_edit_is_refused_where_something_happened_while_the_editor_was_open(now: list[Case]):
    opened = edit_of(case())
    opened.demand_unchanged(Board(service="s", cases=[case()], spans={}))
    with pytest.raises(OperationError) as refused:
        opened.demand_unchanged(Board(service="s", cases=now, spans={}))
    assert refused.value.code == "E559"
