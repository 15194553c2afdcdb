"""Northwind: the classic trading company's orders and products, read from the CSV files in ``data``.

The files are not quite CSV: addresses hold commas and nothing is quoted. So an order's row is read from both ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

ABSENT: Final = "NULL"
_BEFORE_NAME: Final = 8
_AFTER_CITY: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """A product: what it is called, how many units are there at first, whether it is ever bought again."""

    product_id: str
    name: str
    in_stock: int
    discontinued: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One product of an order. The discount is in basis points."""

    product: Product
    quantity: int
    unit_price_cents: int
    discount_basis_points: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where an order goes."""

    name: str
    street: str
    city: str
    region: str | None
    postal_code: str | None
    country: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NorthwindOrder:
    """An order as the books have it. The dates are ISO 8601 in UTC."""

    number: str
    customer_id: str
    ordered: str
    required: str
    carrier: str
    freight_cents: int
    ship_to: Address
    lines: tuple[Line, ...]


@cache
def products() -> Mapping[str, Product]:
    """Return the products by their ids."""
    return {
        row[0]: Product(product_id=row[0], name=row[1], in_stock=int(row[6]), discontinued=row[9] == "1")
        for row in _rows("products.csv", columns=10)
    }


@cache
def orders() -> tuple[NorthwindOrder, ...]:
    """Return all orders, in the order of the file, which is that of their numbers and dates."""
    carriers = {row[0]: row[1] for row in _rows("shippers.csv", columns=3)}
    lines = _lines()
    return tuple(_order(row, carriers, lines[row[0]]) for row in _rows("orders.csv", columns=14))


def _order(row: Sequence[str], carriers: Mapping[str, str], lines: Sequence[Line]) -> NorthwindOrder:
    number, customer_id, _, ordered, required, _, carrier, freight = row[:_BEFORE_NAME]
    return NorthwindOrder(
        number=number,
        customer_id=customer_id,
        ordered=_moment(ordered),
        required=_moment(required),
        carrier=carriers[carrier],
        freight_cents=_cents(freight),
        ship_to=_address(row[_BEFORE_NAME:]),
        lines=tuple(lines),
    )


def _address(columns: Sequence[str]) -> Address:
    """Read the columns from the name on: the commas too many are all in the street."""
    name, *street, city = columns[:-_AFTER_CITY]
    region, postal_code, country = columns[-_AFTER_CITY:]
    return Address(
        name=name,
        street=",".join(street),
        city=city,
        region=None if region == ABSENT else region,
        postal_code=None if postal_code == ABSENT else postal_code,
        country=country,
    )


def _lines() -> Mapping[str, Sequence[Line]]:
    known = products()
    found: dict[str, list[Line]] = defaultdict(list)
    for number, product_id, unit_price, quantity, discount in _rows("order-details.csv", columns=5):
        found[number].append(
            Line(
                product=known[product_id],
                quantity=int(quantity),
                unit_price_cents=_cents(unit_price),
                discount_basis_points=int(Decimal(discount) * 10_000),
            )
        )
    return found


def _rows(name: str, *, columns: int) -> Iterator[list[str]]:
    """Read the rows of a file, each of at least so many columns."""
    text = files("farandole_sandbox.demo").joinpath("data", name).read_text(encoding="utf-8")
    for line in text.splitlines()[1:]:
        row = line.split(",")
        if len(row) < columns:
            raise ValueError(f"{name} has a row of {len(row)} columns, which should be {columns}: {line}")
        yield row


def _cents(amount: str) -> int:
    """Read an amount, exactly; the file has some with more than two places."""
    return int((Decimal(amount) * 100).quantize(Decimal(1)))


def _moment(written: str) -> str:
    return written.replace(" ", "T") + "Z"
