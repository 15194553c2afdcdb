"""FakeSalesLedger: an ERP in memory, with books to look into and faults to order."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from farandole.outside import OutsideAwayError, OutsideRefusedError

from farandole_erp.sales_ledger import Posting, Stage

Asked: TypeAlias = tuple[str, Stage, Mapping[str, Any]]
"""Order, stage, document."""

POSTED: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
OUTAGE: Final = "outage"
"""The call fails and nothing was done."""
LOST_ANSWER: Final = "lost answer"
"""The call fails and the stage was posted."""


@dataclass(kw_only=True)
class FakeSalesLedger:
    """Posts as an ERP does. ``faults`` strike the next calls, one each; ``before`` is awaited at the start of each."""

    faults: deque[str] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    posted: dict[str, Asked] = field(default_factory=dict)
    before: Callable[[], Awaitable[None]] | None = None

    async def post(self, order_id: str, stage: Stage, document: Mapping[str, Any], *, idempotency_key: str) -> Posting:
        """See SalesLedger."""
        self.calls.append(idempotency_key)
        if self.before is not None:
            await self.before()
        fault = self.faults.popleft() if self.faults else None
        if fault == OUTAGE:
            raise _away()
        asked = (order_id, stage, document)
        if self.posted.setdefault(idempotency_key, asked) != asked:
            raise OutsideRefusedError("the ERP refused", why="the key came before with another document")
        if fault == LOST_ANSWER:
            raise _away()
        return Posting(sales_order_id=f"so_{order_id}", posted_at=POSTED)


def _away() -> OutsideAwayError:
    return OutsideAwayError("the ERP did not answer", why="a fault was ordered")
