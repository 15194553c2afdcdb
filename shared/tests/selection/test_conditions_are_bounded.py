"""A --where reads values, does nothing else, and ends, whoever wrote the event that it is held against.

What can be known to be wrong without reading a record is told at once, with what there is.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from farandole.errors import UsageError
from farandole.schema import EventSchema
from farandole.selection import Where, where
from farandole.selection.expression import read
from farandole_events import CATALOGUE

PLACED = [one for one in CATALOGUE.versions if one.name == "OrderPlaced"]
LINE = {"product_id": "p", "quantity": 1, "total_cents": 1}


def refusal(text: str, schemas: list[EventSchema] = PLACED) -> UsageError:
    with pytest.raises(UsageError) as refused:
        Where(text, schemas, pii=True)
    return refused.value


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("total_cents >", "E523", "Syntax error"),
        ("total_cents", "E523", "neither true nor false"),
        ('total_cents > "5"', "E523", "of OrderPlaced"),
        ('order_date > "2026-11-23"', "E523", "of OrderPlaced"),
        ('open("/etc/passwd") == "x"', "E523", "open"),
        ("__import__ == 1", "E524", ""),
        ("order_id.__class__ == 1", "E524", ""),
        ('order_id.matches("(")', "E523", "not a valid regex"),
        ('order_date > timestamp("2026-11-23T14:00:00")', "E520", "zone"),
        ('order_date > timestamp("noon")', "E520", "zone"),
        ("lines.exists(a, lines.exists(b, a.quantity > b.quantity))", "E523", "loop"),
        ("lines[0].quantty > 1", "E524", "lines[0].quantity"),
        ("lines.exists(l, l.quantty > 1)", "E524", "lines[0].quantity"),
        ("ship_to.contry == 'x'", "E524", "ship_to.country"),
        ("total_cents > 1" + " && total_cents > 1" * 200, "E523", "characters"),
        ("x.y.z == 1", "E524", ""),
    ],
)
def test_what_cannot_hold_of_any_event_is_refused_before_one_is_read(text: str, code: str, said: str) -> None:
    refused = refusal(text)
    assert refused.code == code
    assert said in f"{refused.why} {refused.do}"


@pytest.mark.parametrize(
    "text",
    [
        "total_cents > 1000 && currency == 'USD'",
        "lines.exists(l, l.quantity > 5) || lines.all(m, m.total_cents > 1)",
        "lines[0].quantity > 1",
        "required_date != null && required_date > timestamp('2026-11-23T14:00:00+01:00')",
        "size(lines) > 1 // and a word",
        r"""carrier in ["a", 'b.exists(c, d.exists(e,'] || carrier == r"\d" || carrier == 'it\'s lines.exists('""",
        "order_date.getFullYear() == 2026",
        "has(ship_to.country) && ship_to.country.startsWith('G')",
        "lines.filter(l, l.quantity > 1).exists(l, l.quantity < 3)",
        "string(total_cents) == '5'",
        "total_cents / 0 > 1",
    ],
)
def test_what_may_hold_is_accepted(text: str) -> None:
    Where(text, PLACED, pii=True)


def test_the_fields_that_it_names_are_known_from_its_text() -> None:
    expression = read("a.b[0].c > 1 && d.exists(x, x.e == f) && g.h('i.j') && size(k) > 0")
    assert expression.paths == {("a", "b", "[]", "c"), ("d",), ("d", "[]"), ("d", "[]", "e"), ("f",), ("g",), ("k",)}
    assert expression.loops == 1


def values(**changed: Any) -> dict[str, Any]:
    return {"total_cents": 1, "carrier": "a", "lines": (LINE,), **changed}


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_time() -> None:
    pattern = Where('carrier.matches("^(a+)+$")', PLACED, pii=True)
    began = time.process_time()
    assert not pattern.matches(PLACED[0], values(carrier="a" * 100_000 + "b"))
    assert time.process_time() - began < 1


def test_a_large_event_is_not_looped_over_and_that_is_said() -> None:
    looped = Where("lines.exists(l, l.quantity == 1)", PLACED, pii=True)
    assert looped.answer(PLACED[0], values(), size=100_000) is True
    assert looped.answer(PLACED[0], values(), size=100_001) is None
    assert Where("total_cents == 1", PLACED, pii=True).answer(PLACED[0], values(), size=900_000) is True


def test_what_depends_on_the_event_is_no_answer_and_no_error() -> None:
    overflowing = Where("total_cents * 2 > 0", PLACED, pii=True)
    assert overflowing.answer(PLACED[0], values(total_cents=2**62)) is None
    assert overflowing.answer(PLACED[0], values(total_cents=None)) is None
    assert Where("lines[3].quantity > 0", PLACED, pii=True).answer(PLACED[0], values()) is None


def test_evaluations_that_take_too_long_together_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, "AT_FIRST", 0.0)
    monkeypatch.setattr(where, "EACH", 0.0)
    with pytest.raises(UsageError) as refused:
        Where("total_cents > 5", PLACED, pii=True).matches(PLACED[0], values())
    assert refused.value.code == "E528"
