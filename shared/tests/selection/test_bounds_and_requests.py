"""What a person types is a selection or a sentence that says what to type instead.

Above all a time without a zone is refused: it is another moment on the broker's machine than here.
"""

from __future__ import annotations

import pytest
from farandole.errors import UsageError
from farandole.selection import Moment, Offset, Request, Selection, parse_bound, resolve
from farandole_events import CATALOGUE


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("2026-11-23T14:00:00Z", 1_795_442_400_000),
        ("2026-11-23t15:00:00+01:00", 1_795_442_400_000),
        ("2026-11-23 09:30:00-04:30", 1_795_442_400_000),
        (" 2026-11-23T14:00:00.0015Z ", 1_795_442_400_002),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_a_time_with_a_zone_is_a_moment_of_whole_milliseconds(text: str, millis: int) -> None:
    bound = parse_bound(text)
    assert isinstance(bound, Moment)
    assert bound.millis == millis
    assert parse_bound(bound.text) == bound


def test_a_number_is_an_offset() -> None:
    assert parse_bound("2026") == Offset(number=2026)


def test_a_moment_is_said_in_utc_and_in_its_own_zone() -> None:
    assert str(parse_bound("2026-11-23T15:00:00+01:00")) == "2026-11-23 14:00:00 UTC (2026-11-23 15:00:00 at +01:00)"
    assert str(parse_bound("2026-11-23T14:00:00.5Z")) == "2026-11-23 14:00:00.5 UTC"


@pytest.mark.parametrize("text", ["2026-11-23T14:00:00", "2026-11-23 14:00:00.25"])
def test_a_time_without_a_zone_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_bound(text)
    assert refused.value.code == "E520"
    assert f"{text}Z for UTC" in refused.value.do


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-23",
        "23.11.2026",
        "2026-11-23T14:00Z",
        "2026-02-30T14:00:00Z",
        "-5",
        "1e3",
        "²",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_whatever_else_is_no_bound(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_bound(text)
    assert refused.value.code == "E520"


def test_a_short_name_of_a_type_is_resolved_and_brings_its_topic() -> None:
    selection = resolve(Request(types=["OrderPlaced", "farandole.payments.PaymentVoided"]), CATALOGUE, topics=["stock"])
    assert selection.types == {"farandole.orders.OrderPlaced", "farandole.payments.PaymentVoided"}
    assert selection.topics == ("orders", "payments")


def test_topics_that_are_named_stand_and_others_are_the_fallback() -> None:
    assert resolve(Request(types=["OrderPlaced"], topics=["orders.dlq"]), CATALOGUE, topics=[]).topics == (
        "orders.dlq",
    )
    assert resolve(Request(), CATALOGUE, topics=["orders", "stock"]).topics == ("orders", "stock")


@pytest.mark.parametrize(
    ("request_", "code", "do"),
    [
        (Request(types=["OrderPlaecd"]), "E522", "OrderPlaced"),
        (Request(types=["Xyzzy"]), "E522", "there are CancellationRefused"),
        (Request(begin="2026-11-23T14:00:00Z", end="2026-11-23T15:00:00+01:00"), "E526", "change them round"),
        (Request(begin="7", end="7"), "E526", "move one"),
        (Request(limit=0), "E527", ""),
        (Request(limit=10_000_000), "E527", ""),
        (Request(topics=["orders"], where="totl_cents > 5"), "E524", "total_cents"),
        (Request(topics=["stock"], where="total_cents > 5"), "E524", ""),
        (Request(where="total_cents >"), "E523", ""),
    ],
)
def test_what_cannot_be_is_refused_with_what_there_is(request_: Request, code: str, do: str) -> None:
    with pytest.raises(UsageError) as refused:
        resolve(request_, CATALOGUE, topics=["orders", "stock"])
    assert refused.value.code == code
    assert do in refused.value.do


def test_a_selection_survives_being_written_down() -> None:
    selection = resolve(
        Request(
            types=["OrderPlaced"],
            begin="2026-11-23T15:00:00.123456+01:00",
            end="4711",
            keys=["ü", "a"],
            flows=["f"],
            ids=["i"],
            where="total_cents > 5",
            limit=3,
        ),
        CATALOGUE,
        topics=[],
    )
    assert Selection.from_document(selection.document()) == selection
