"""WarehouseSystemContract: what every adapter to a warehouse system must do. Run it on yours.

```python
class TestMyFloor(WarehouseSystemContract):
    @pytest.fixture
    async def wms(self) -> AsyncIterator[WarehouseSystem]: ...
```
"""

from __future__ import annotations

import asyncio
import uuid

import pytest
from farandole.outside import OutsideRefusedError
from farandole_events import Address, StockLine

from farandole_warehouse.wms import Package, WarehouseSystem

ADDRESS = Address(name="Toms Spezialitäten", street="Luisenstr. 48", city="Münster", country="Germany")


class WarehouseSystemContract:
    """The suite. A subclass gives a ``wms`` fixture, ``line`` and ``carrier`` where the floor's test data differ."""

    @pytest.fixture
    def line(self) -> StockLine:
        """Return a quantity of a product that the floor has."""
        return StockLine(product_id="11", quantity=3)

    @pytest.fixture
    def carrier(self) -> str:
        """Return a carrier that the floor knows."""
        return "Federal Shipping"

    async def test_a_package_has_a_number_and_parcels(
        self, wms: WarehouseSystem, line: StockLine, carrier: str
    ) -> None:
        """The number is what the carrier will be told; a package has a parcel at least, and a weight if it has one."""
        package = await _pack(wms, fresh("order"), line, carrier)
        assert package.package_id
        assert package.parcels >= 1
        assert package.weight_grams is None or package.weight_grams >= 0

    async def test_the_same_key_packs_once(self, wms: WarehouseSystem, line: StockLine, carrier: str) -> None:
        """A repeated request is answered with the first package."""
        order = fresh("order")
        assert await _pack(wms, order, line, carrier) == await _pack(wms, order, line, carrier)

    async def test_the_same_key_at_the_same_time_packs_once(
        self, wms: WarehouseSystem, line: StockLine, carrier: str
    ) -> None:
        """Two replicas that ask at once are given one package."""
        order = fresh("order")
        first, second = await asyncio.gather(_pack(wms, order, line, carrier), _pack(wms, order, line, carrier))
        assert first == second

    async def test_another_order_is_another_package(self, wms: WarehouseSystem, line: StockLine, carrier: str) -> None:
        """Two orders of the same goods are two packages."""
        first = await _pack(wms, fresh("order"), line, carrier)
        second = await _pack(wms, fresh("order"), line, carrier)
        assert first.package_id != second.package_id

    async def test_a_key_that_came_with_other_goods_is_refused(
        self, wms: WarehouseSystem, line: StockLine, carrier: str
    ) -> None:
        """A key that stands for two packages is a mistake that people must look at."""
        order = fresh("order")
        await _pack(wms, order, line, carrier)
        more = StockLine(product_id=line.product_id, quantity=line.quantity + 1)
        with pytest.raises(OutsideRefusedError):
            await _pack(wms, order, more, carrier)

    async def test_nothing_is_not_packed(self, wms: WarehouseSystem, carrier: str) -> None:
        """An order without lines is a mistake that people must look at."""
        order = fresh("order")
        with pytest.raises(OutsideRefusedError):
            await wms.pack(order, (), ADDRESS, carrier, idempotency_key=f"pack:{order}")


def fresh(what: str) -> str:
    """Return a name that nobody used before."""
    return f"{what}-{uuid.uuid4()}"


async def _pack(wms: WarehouseSystem, order_id: str, line: StockLine, carrier: str) -> Package:
    return await wms.pack(order_id, (line,), ADDRESS, carrier, idempotency_key=f"pack:{order_id}")
