"""SalesLedgerContract: what every adapter to an ERP must do. Run it on yours.

```python
class TestMyErp(SalesLedgerContract):
    @pytest.fixture
    async def erp(self) -> AsyncIterator[SalesLedger]: ...
```
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from farandole.outside import OutsideRefusedError

from farandole_erp.sales_ledger import Posting, SalesLedger, Stage


class SalesLedgerContract:
    """The suite. A subclass gives an ``erp`` fixture."""

    async def test_a_posting_names_its_sales_order(self, erp: SalesLedger) -> None:
        """The moment has a time zone."""
        posted = await _post(erp, fresh("order"), Stage.PLACED)
        assert posted.sales_order_id
        assert posted.posted_at.tzinfo is not None

    async def test_the_same_key_posts_once(self, erp: SalesLedger) -> None:
        """A repeated posting is answered with the first one."""
        order = fresh("order")
        assert await _post(erp, order, Stage.PLACED) == await _post(erp, order, Stage.PLACED)

    async def test_the_same_key_at_the_same_time_posts_once(self, erp: SalesLedger) -> None:
        """Two replicas that post at once are given one posting."""
        order = fresh("order")
        first, second = await asyncio.gather(_post(erp, order, Stage.PLACED), _post(erp, order, Stage.PLACED))
        assert first == second

    @pytest.mark.parametrize("first", list(Stage))
    async def test_all_stages_of_an_order_are_of_one_sales_order(self, erp: SalesLedger, first: Stage) -> None:
        """Stages come in any order: whichever is first opens the sales order."""
        order = fresh("order")
        stages = [first, *(stage for stage in Stage if stage is not first)]
        assert len({(await _post(erp, order, stage)).sales_order_id for stage in stages}) == 1

    async def test_another_order_is_another_sales_order(self, erp: SalesLedger) -> None:
        """Two orders are two sales orders."""
        first, second = [await _post(erp, fresh("order"), Stage.PLACED) for _ in range(2)]
        assert first.sales_order_id != second.sales_order_id

    async def test_a_key_that_came_with_another_document_is_refused(self, erp: SalesLedger) -> None:
        """A key that stands for two documents is a mistake that people must look at."""
        order = fresh("order")
        await _post(erp, order, Stage.INVOICED, total_cents=1)
        with pytest.raises(OutsideRefusedError):
            await _post(erp, order, Stage.INVOICED, total_cents=2)

    async def test_a_document_may_hold_any_text(self, erp: SalesLedger) -> None:
        """Customers write what they like."""
        posted = await _post(erp, fresh("order"), Stage.PLACED, name='"; DROP TABLE <Zajazd> 漢字 \u2028 \U0001f600')
        assert posted.sales_order_id


def fresh(what: str) -> str:
    """Return a name that nobody used before."""
    return f"{what}-{uuid.uuid4()}"


async def _post(erp: SalesLedger, order_id: str, stage: Stage, **document: Any) -> Posting:
    return await erp.post(order_id, stage, document, idempotency_key=f"posting:{order_id}:{stage}")
