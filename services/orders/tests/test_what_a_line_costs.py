"""A line's total is exact: integers only, rounded half to even."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from farandole_orders.money import line_total
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("unit_price_cents", "quantity", "discount_basis_points", "total"),
    [
        (1400, 12, 0, 16800),
        (980, 10, 1500, 8330),
        (1, 1, 5000, 0),
        (3, 1, 5000, 2),
        (5, 1, 5000, 2),
        (7, 1, 5000, 4),
        (1, 1, 4999, 1),
        (1, 1, 5001, 0),
        (999, 7, 10_000, 0),
        (0, 5, 0, 0),
        (4250, 15, 1500, 54188),
    ],
)
def test_a_line_is_rounded_half_to_even(unit_price_cents: int, quantity: int, discount_basis_points: int, total: int):
    assert (
        line_total(unit_price_cents=unit_price_cents, quantity=quantity, discount_basis_points=discount_basis_points)
        == total
    )


@given(st.integers(0, 10**10), st.integers(1, 10**6), st.integers(0, 10_000))
def test_integers_agree_with_decimals(unit_price_cents: int, quantity: int, discount_basis_points: int):
    with localcontext(prec=60):
        exact = Decimal(unit_price_cents) * quantity * (10_000 - discount_basis_points) / 10_000
        expected = exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    found = line_total(
        unit_price_cents=unit_price_cents, quantity=quantity, discount_basis_points=discount_basis_points
    )
    assert found == expected
