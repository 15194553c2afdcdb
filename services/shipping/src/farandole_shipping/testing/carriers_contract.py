"""CarriersContract: what every adapter to carriers must do. Run it on yours.

```python
class TestMyCarriers(CarriersContract):
    @pytest.fixture
    async def carriers(self) -> AsyncIterator[Carriers]: ...
```
"""

from __future__ import annotations

import asyncio
import uuid

import msgspec
import pytest
from farandole.outside import OutsideRefusedError
from farandole_events import Address, OrderPacked, StockLine

from farandole_shipping.carrier import Carriers, Consignment

ADDRESS = Address(name="Toms Spezialitäten", street="Luisenstr. 48", city="Münster", country="Germany")


class CarriersContract:
    """The suite. A subclass gives a ``carriers`` fixture, and ``carrier`` where the names of yours differ."""

    @pytest.fixture
    def carrier(self) -> str:
        """Return the name of a carrier."""
        return "Speedy Express"

    async def test_parcels_that_are_taken_over_have_numbers(self, carriers: Carriers, carrier: str) -> None:
        """The shipment's id is what the webhook will name; the moment has a time zone."""
        taken = await _hand_over(carriers, packed(carrier))
        assert taken.shipment_id
        assert taken.dispatched_at.tzinfo is not None

    async def test_the_same_key_is_taken_over_once(self, carriers: Carriers, carrier: str) -> None:
        """Parcels that are handed over again are answered with the first consignment."""
        parcels = packed(carrier)
        assert await _hand_over(carriers, parcels) == await _hand_over(carriers, parcels)

    async def test_the_same_key_at_the_same_time_is_taken_over_once(self, carriers: Carriers, carrier: str) -> None:
        """Two replicas that hand over at once are given one consignment."""
        parcels = packed(carrier)
        first, second = await asyncio.gather(_hand_over(carriers, parcels), _hand_over(carriers, parcels))
        assert first == second

    async def test_another_order_is_another_shipment(self, carriers: Carriers, carrier: str) -> None:
        """Two orders are two shipments."""
        first, second = [await _hand_over(carriers, packed(carrier)) for _ in range(2)]
        assert first.shipment_id != second.shipment_id

    async def test_a_key_that_came_with_other_parcels_is_refused(self, carriers: Carriers, carrier: str) -> None:
        """A key that stands for two consignments is a mistake that people must look at."""
        parcels = packed(carrier)
        await _hand_over(carriers, parcels)
        with pytest.raises(OutsideRefusedError):
            await _hand_over(carriers, msgspec.structs.replace(parcels, package_id=fresh("package")))

    async def test_no_parcels_are_not_taken_over(self, carriers: Carriers, carrier: str) -> None:
        """An order without parcels is a mistake that people must look at."""
        with pytest.raises(OutsideRefusedError):
            await _hand_over(carriers, msgspec.structs.replace(packed(carrier), parcels=0))

    @pytest.mark.parametrize("name", ["", ".", ".."])
    async def test_a_name_that_is_none_is_refused(self, carriers: Carriers, name: str) -> None:
        """The shop's customers choose the name: it must not lead to another place than a carrier."""
        with pytest.raises(OutsideRefusedError):
            await _hand_over(carriers, packed(name))


def fresh(what: str) -> str:
    """Return a name that nobody used before."""
    return f"{what}-{uuid.uuid4()}"


def packed(carrier: str) -> OrderPacked:
    """Return a packed order that nobody handed over before."""
    return OrderPacked(
        order_id=fresh("order"),
        package_id=fresh("package"),
        parcels=2,
        lines=(StockLine(product_id="11", quantity=12),),
        ship_to=ADDRESS,
        carrier=carrier,
        customer_id="TOMSP",
    )


async def _hand_over(carriers: Carriers, parcels: OrderPacked) -> Consignment:
    return await carriers.hand_over(parcels, idempotency_key=f"ship:{parcels.order_id}")
