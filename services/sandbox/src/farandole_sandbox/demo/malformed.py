"""Malformed: requests that are no orders, each with the answer that it deserves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from farandole_sandbox.demo.errand import MALFORMED_EVERY

_TOO_LONG: Final = 300 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A request that is to be refused with ``status``, naming ``field`` where the fault is in a field."""

    what: str
    content: bytes
    status: int
    field: str | None = None
    keyed: bool = True


def malformed(number: int, body: Mapping[str, Any]) -> Malformed:
    """Return the malformed request of errand ``number``, made from the body of its order; the kinds take turns."""
    return _KINDS[number // MALFORMED_EVERY % len(_KINDS)](dict(body))


def _without_customer(body: dict[str, Any]) -> Malformed:
    del body["customer_id"]
    return _refused("no customer", body, field="customer_id")


def _negative_quantity(body: dict[str, Any]) -> Malformed:
    first, *rest = body["lines"]
    body["lines"] = [{**first, "quantity": -1}, *rest]
    return _refused("a negative quantity", body, field="lines[0].quantity")


def _quantity_as_text(body: dict[str, Any]) -> Malformed:
    first, *rest = body["lines"]
    body["lines"] = [{**first, "quantity": str(first["quantity"])}, *rest]
    return _refused("a quantity that is a text", body, field="lines[0].quantity")


def _no_lines(body: dict[str, Any]) -> Malformed:
    body["lines"] = []
    return _refused("no lines", body, field="lines")


def _unknown_field(body: dict[str, Any]) -> Malformed:
    body["total_cents"] = 1
    return _refused("a total of the sender's own", body, field="total_cents")


def _other_currency(body: dict[str, Any]) -> Malformed:
    body["currency"] = "XAU"
    return _refused("a currency that nobody takes", body, field="currency")


def _no_json(_: dict[str, Any]) -> Malformed:
    return Malformed(what="no JSON", content=b'{"reference": "10248", ', status=400)


def _too_long(body: dict[str, Any]) -> Malformed:
    body["reference"] = "x" * _TOO_LONG
    return replace(_refused("a body that is too long", body), status=413)


def _keyless(body: dict[str, Any]) -> Malformed:
    return replace(_refused("no Idempotency-Key", body, field="Idempotency-Key"), status=400, keyed=False)


def _refused(what: str, body: dict[str, Any], field: str | None = None) -> Malformed:
    return Malformed(what=what, content=msgspec.json.encode(body), status=422, field=field)


_KINDS: Final[tuple[Callable[[dict[str, Any]], Malformed], ...]] = (
    _without_customer,
    _negative_quantity,
    _no_json,
    _too_long,
    _quantity_as_text,
    _no_lines,
    _unknown_field,
    _other_currency,
    _keyless,
)
