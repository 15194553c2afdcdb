"""A listing is asked for a page at a time; what is no page is refused with a reason."""

from __future__ import annotations

import pytest
from farandole.http.page import (
    LARGEST_NUMBER,
    Page,
    number_of,
    numbered_page_of,
    page_of,
    pair,
    paired_page_of,
    text_of,
)
from farandole.http.refusal import RequestRefusedError
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_listing_begins_at_its_first_row():
    assert page_of({}) == Page(after="", limit=100)
    assert numbered_page_of({}) == Page(after=0, limit=100)
    assert paired_page_of({}) == Page(after=("", ""), limit=100)


def test_a_page_is_what_its_query_says():
    assert page_of({"after": "o/1", "limit": "1000"}) == Page(after="o/1", limit=1000)
    assert numbered_page_of({"after": str(LARGEST_NUMBER), "limit": "1"}) == Page(after=LARGEST_NUMBER, limit=1)
    assert paired_page_of({"after": "o/1/paid", "limit": "007"}) == Page(after=("o/1", "paid"), limit=7)


def test_a_service_may_have_its_own_sizes():
    assert page_of({}, usual=5, most=10).limit == 5
    with pytest.raises(RequestRefusedError, match="from 1 to 10"):
        page_of({"limit": "11"}, usual=5, most=10)


NO_NUMBERS = ["", "-1", "+1", " 1", "1_0", "1.0", "ten", "²", "١", "1\x00", "9" * 5_000]


@pytest.mark.parametrize("limit", ["0", "1001", *NO_NUMBERS])
def test_a_limit_that_is_none_is_refused(limit: str):
    with pytest.raises(RequestRefusedError) as refused:
        page_of({"limit": limit})
    assert refused.value.status_code == 400
    assert refused.value.reason == "limit must be a number from 1 to 1000"


@pytest.mark.parametrize("after", [str(LARGEST_NUMBER + 1), *NO_NUMBERS])
def test_a_number_that_is_none_is_refused(after: str):
    with pytest.raises(RequestRefusedError, match="after must be a number"):
        numbered_page_of({"after": after})


@pytest.mark.parametrize("read", [page_of, paired_page_of, lambda query: text_of(query, "after")])
def test_a_text_that_postgresql_cannot_compare_is_refused(read):
    with pytest.raises(RequestRefusedError, match="after must not hold a NUL"):
        read({"after": "o-1\x00/paid"})


def test_a_pair_without_its_slash_is_refused():
    with pytest.raises(RequestRefusedError, match="what `next` of a page said"):
        paired_page_of({"after": "o-1"})


def test_a_number_has_both_its_bounds():
    assert [number_of({"n": said}, "n", usual=7, fewest=2, most=4) for said in ("2", "4")] == [2, 4]
    for said in ("1", "5"):
        with pytest.raises(RequestRefusedError, match="n must be a number from 2 to 4"):
            number_of({"n": said}, "n", usual=7, fewest=2, most=4)
    assert number_of({}, "n", usual=7, fewest=2, most=4) == 7


@settings(deadline=None)
@given(
    first=st.text(st.characters(exclude_characters="\x00")), second=st.text(st.characters(exclude_characters="/\x00"))
)
def test_a_pair_is_read_as_it_was_told(first: str, second: str):
    assert paired_page_of({"after": pair(first, second)}).after == (first, second)


@settings(deadline=None)
@given(rows=st.lists(st.integers(1, 50), unique=True), limit=st.integers(1, 7))
def test_page_by_page_every_row_is_seen_once(rows: list[int], limit: int):
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = numbered_page_of({"after": str(after), "limit": str(limit)})
        found = [row for row in sorted(rows) if row > page.after][: page.limit]
        seen += found
        after = page.following(found, lambda row: row)
    assert seen == sorted(rows)
