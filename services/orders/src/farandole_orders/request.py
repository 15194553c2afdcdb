"""Request: what a shop sends, and everything that can be wrong with it, field by field.

Numbers and texts are taken as they are, not converted: a quantity of ``"3"``, ``3.0`` or ``true`` is a mistake of the
sender. Everything is bounded, so that an accepted order fits its event, its columns and its sums.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

_CARD_DIGITS: Final = range(12, 20)
_NO_CONTROL: Final = r"^[^\x00-\x1f\x7f]*$"


def _as_written(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("moment_type", "Input should be a date and time in ISO 8601, as a text")
    return value


def _in_utc(moment: datetime) -> datetime:
    """Take a moment without a zone as UTC. The years are bounded so that no zone can leave the calendar."""
    if not 1900 <= moment.year <= 2200:
        raise PydanticCustomError("moment_range", "Input should lie between the years 1900 and 2200")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _no_card_number(token: str) -> str:
    digits = token.replace(" ", "").replace("-", "")
    if digits.isascii() and digits.isdigit() and len(digits) in _CARD_DIGITS and _passes_luhn(digits):
        raise PydanticCustomError("card_number", "Input looks like a card number; send the payment gateway's token")
    return token


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(sum(divmod(one, 10)) for one in doubled) % 10 == 0


Moment = Annotated[datetime, BeforeValidator(_as_written), AfterValidator(_in_utc)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=_NO_CONTROL)]
Id = Annotated[str, Field(strict=True, min_length=1, max_length=64, pattern=_NO_CONTROL)]
Cents = Annotated[int, Field(strict=True, ge=0, le=10_000_000_000)]


class _Body(BaseModel):
    # An unknown field is refused: it is more often a mistyped one than a superfluous one.
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class LineRequest(_Body):
    """One product that is ordered."""

    product_id: Id
    product_name: Name
    quantity: Annotated[int, Field(strict=True, gt=0, le=1_000_000)]
    unit_price_cents: Cents
    discount_basis_points: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0


class AddressRequest(_Body):
    """Where the goods go."""

    name: Name
    street: Name
    city: Name
    region: Name | None = None
    postal_code: Id | None = None
    country: Name


def _each_product_once(lines: tuple[LineRequest, ...]) -> tuple[LineRequest, ...]:
    seen: dict[str, int] = {}
    for place, line in enumerate(lines):
        first = seen.setdefault(line.product_id, place)
        if first != place:
            raise PydanticCustomError(
                "product_twice",
                "Each product should be in one line; lines {first} and {place} have the same product_id",
                {"first": first, "place": place},
            )
    return lines


class OrderRequest(_Body):
    """An order as a shop places it. Totals are computed here, never taken from the sender."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "reference": "10248",
                "customer_id": "VINET",
                "order_date": "1996-07-04T00:00:00Z",
                "lines": [
                    {
                        "product_id": "11",
                        "product_name": "Queso Cabrales",
                        "quantity": 12,
                        "unit_price_cents": 1400,
                        "discount_basis_points": 0,
                    }
                ],
                "freight_cents": 3238,
                "currency": "USD",
                "ship_to": {
                    "name": "Vins et alcools Chevalier",
                    "street": "59 rue de l'Abbaye",
                    "city": "Reims",
                    "postal_code": "51100",
                    "country": "France",
                },
                "carrier": "3",
                "payment_token": "tok_ok",
            }
        }
    )

    reference: Id
    customer_id: Id
    order_date: Moment | None = None
    required_date: Moment | None = None
    lines: Annotated[tuple[LineRequest, ...], Field(min_length=1, max_length=500), AfterValidator(_each_product_once)]
    freight_cents: Cents = 0
    currency: Literal["USD"] = "USD"
    ship_to: AddressRequest
    carrier: Annotated[str, Field(strict=True, min_length=1, max_length=100, pattern=_NO_CONTROL)]
    payment_token: Annotated[
        str, Field(strict=True, min_length=1, max_length=200, pattern=_NO_CONTROL), AfterValidator(_no_card_number)
    ]


class CancellationBody(_Body):
    """The wish to cancel an order."""

    reason: Name = "the customer asked for it"
