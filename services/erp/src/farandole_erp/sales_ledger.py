"""SalesLedger: what this service asks of an ERP, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Stage(StrEnum):
    """What is posted of an order. Stages reach the ERP in any order."""

    PLACED = "placed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INVOICED = "invoiced"
    CREDITED = "credited"


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """A stage as the ERP has it in its books."""

    sales_order_id: str
    posted_at: datetime


class SalesLedger(Protocol):
    """An ERP's sales orders: one an order, with its stages. Posts once for each idempotency key, then repeats itself.

    May raise farandole.outside.OutsideAwayError (ask again, with the same key), OutsideRefusedError (asking again
    cannot help) or `farandole.Retry`. Safe for concurrent use.
    """

    async def post(self, order_id: str, stage: Stage, document: Mapping[str, Any], *, idempotency_key: str) -> Posting:
        """Post a stage of an order; ``document`` is what the ERP keeps with it."""
        ...
