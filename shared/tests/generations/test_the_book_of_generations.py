"""What the log of generations comes to: of two words that contradict one another the first holds, for everybody."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from farandole.generations.book import Book, read_book
from farandole.generations.entry import Entry, Kind, decode

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def said(kind: Kind, generation: int, *, by: str = "somebody", service: str = "tally") -> Entry:
    return Entry(kind=kind, service=service, generation=generation, at=NOON, by=by)


def book(*entries: Entry) -> Book:
    return read_book("tally", entries)


BEGUN, SWITCHED = said(Kind.BEGUN, 2), said(Kind.SWITCHED, 2)


def test_a_service_of_which_nothing_is_said_answers_from_the_first() -> None:
    assert (book().current, book().building, book().is_served) == (1, None, True)


def test_a_switch_keeps_the_former_one_and_waits_to_be_served() -> None:
    after = book(BEGUN, SWITCHED)
    assert (after.current, after.kept, after.building, after.is_served) == (2, {1}, None, False)
    assert after.after(said(Kind.SERVED, 2, by="replica")).servers == {"replica"}


def test_a_word_about_another_service_is_none_of_its_business() -> None:
    assert book(said(Kind.BEGUN, 2, service="other")) == book()


def test_of_two_that_begin_at_once_the_first_is_gone_on_with() -> None:
    both = book(said(Kind.BEGUN, 2, by="first"), said(Kind.BEGUN, 2, by="second"))
    assert both.building is not None
    assert both.building.by == "first"


@pytest.mark.parametrize(
    ("first", "second", "current"),
    [
        (said(Kind.CANCELLED, 2), SWITCHED, 1),
        (SWITCHED, said(Kind.CANCELLED, 2), 2),
    ],
)
def test_a_cancel_and_a_switch_at_once_do_not_both_hold(first, second, current) -> None:
    assert book(BEGUN, first, second).current == current


def test_what_is_retired_cannot_be_gone_back_to_and_its_number_is_never_used_again() -> None:
    after = book(BEGUN, SWITCHED, said(Kind.RETIRED, 1), said(Kind.SWITCHED, 1))
    assert (after.current, after.dropping) == (2, {1})
    assert after.after(said(Kind.DROPPED, 1)).dropping == set()
    assert book(BEGUN, said(Kind.CANCELLED, 2), said(Kind.BEGUN, 2)).building is None
    assert book(BEGUN, said(Kind.CANCELLED, 2), said(Kind.BEGUN, 3)).building is not None


def test_whatever_is_said_the_current_one_is_never_one_that_was_given_up() -> None:
    words = [said(kind, number) for kind in Kind for number in (1, 2, 3)]
    for three in product(words, repeat=3):
        after = book(BEGUN, *three)
        assert after.current not in after.kept | after.dropping
        assert after.building is None or after.building.generation not in after.kept | after.dropping


def test_an_entry_comes_back_as_it_was_written_and_what_is_none_is_passed_over() -> None:
    assert decode(BEGUN.encode()) == BEGUN
    assert decode(b"{") is None
    assert decode(b'{"kind":"of a later version"}') is None
    assert decode(None) is None
