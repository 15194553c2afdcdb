"""Invoice and CreditNote: the papers, as they were issued. They never change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from farandole_events.types import BillTo


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """Who issued a paper."""

    name: str
    address: tuple[str, ...] = ()
    tax_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoice:
    """What an order's customer owes, or owed and has paid. ``due_at`` is None where it is paid."""

    number: int
    order_id: str
    bill: BillTo
    seller: Seller
    paid: bool
    issued_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditNote:
    """Takes a whole invoice back."""

    number: int
    invoice: Invoice
    reason: str
    issued_at: datetime
