"""Money: amounts in cents, computed exactly with integers."""

from __future__ import annotations

from typing import Final

WHOLE: Final = 10_000
"""Basis points of the whole price."""


def line_total(*, unit_price_cents: int, quantity: int, discount_basis_points: int) -> int:
    """Return what a line costs after its discount, in cents, rounded half to even. All arguments are 0 or more."""
    return divided_half_even(unit_price_cents * quantity * (WHOLE - discount_basis_points), WHOLE)


def divided_half_even(amount: int, by: int) -> int:
    """Return ``amount`` / ``by``, rounded to the nearest integer, halves to the even one."""
    whole, rest = divmod(amount, by)
    if 2 * rest > by or (2 * rest == by and whole % 2):
        whole += 1
    return whole
