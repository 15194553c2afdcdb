"""PortalContract: what every adapter to a supplier must do. Run it on yours.

```python
class TestMySupplier(PortalContract):
    @pytest.fixture
    async def portal(self) -> AsyncIterator[SupplierPortal]: ...
```
"""

from __future__ import annotations

import asyncio
import uuid

import pytest
from farandole.outside import OutsideRefusedError

from farandole_suppliers.portal import PurchaseOrder, SupplierPortal


class PortalContract:
    """The suite. A subclass gives a ``portal`` fixture, and ``product`` where the supplier's test product differs."""

    @pytest.fixture
    def product(self) -> tuple[str, str]:
        """Return a supplier's id and the id of a product that it sells."""
        return "1", "11"

    async def test_an_order_gets_a_number(self, portal: SupplierPortal, product: tuple[str, str]) -> None:
        """The number is what the goods will name; a promised moment has a time zone."""
        taken = await _order(portal, product, fresh("shortage"))
        assert taken.purchase_order_id
        assert taken.expected_at is None or taken.expected_at.tzinfo is not None

    async def test_the_same_key_orders_once(self, portal: SupplierPortal, product: tuple[str, str]) -> None:
        """A repeated order is answered with the first one."""
        shortage = fresh("shortage")
        assert await _order(portal, product, shortage) == await _order(portal, product, shortage)

    async def test_the_same_key_at_the_same_time_orders_once(
        self, portal: SupplierPortal, product: tuple[str, str]
    ) -> None:
        """Two replicas that ask at once are given one order."""
        shortage = fresh("shortage")
        first, second = await asyncio.gather(_order(portal, product, shortage), _order(portal, product, shortage))
        assert first.purchase_order_id == second.purchase_order_id

    async def test_another_key_is_another_order(self, portal: SupplierPortal, product: tuple[str, str]) -> None:
        """Two shortages of one product are two orders."""
        first = await _order(portal, product, fresh("shortage"))
        second = await _order(portal, product, fresh("shortage"))
        assert first.purchase_order_id != second.purchase_order_id

    async def test_a_key_that_came_with_another_order_is_refused(
        self, portal: SupplierPortal, product: tuple[str, str]
    ) -> None:
        """A key that stands for two orders is a mistake that people must look at."""
        shortage = fresh("shortage")
        await _order(portal, product, shortage, quantity=5)
        with pytest.raises(OutsideRefusedError):
            await _order(portal, product, shortage, quantity=6)


def fresh(what: str) -> str:
    """Return a name that nobody used before."""
    return f"{what}-{uuid.uuid4()}"


async def _order(
    portal: SupplierPortal, product: tuple[str, str], shortage: str, *, quantity: int = 5
) -> PurchaseOrder:
    supplier_id, product_id = product
    return await portal.order(supplier_id, product_id, quantity, shortage_id=shortage, idempotency_key=shortage)
