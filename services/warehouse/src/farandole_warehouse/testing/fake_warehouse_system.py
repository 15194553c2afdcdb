"""FakeWarehouseSystem: a warehouse floor in memory, with books to look into and faults to order."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from farandole.outside import OutsideAwayError, OutsideRefusedError
from farandole_events import Address, StockLine

from farandole_warehouse.wms import Package

Asked: TypeAlias = tuple[str, tuple[StockLine, ...], Address, str]
"""Order, lines, where it goes, carrier."""

OUTAGE: Final = "outage"
"""The call fails and nothing was done."""
LOST_ANSWER: Final = "lost answer"
"""The call fails and the order was packed."""
REFUSAL: Final = "refusal"
"""The call is refused in a way that asking again does not help."""


@dataclass(kw_only=True)
class FakeWarehouseSystem:
    """Packs as a floor does. ``faults`` strike the next calls, one each; ``before`` is awaited at the start of each."""

    faults: deque[str] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    packed: Counter[str] = field(default_factory=Counter)
    before: Callable[[], Awaitable[None]] | None = None
    _by_key: dict[str, tuple[Asked, Package]] = field(default_factory=dict)

    async def pack(
        self, order_id: str, lines: tuple[StockLine, ...], ship_to: Address, carrier: str, *, idempotency_key: str
    ) -> Package:
        """See WarehouseSystem."""
        self.calls.append(order_id)
        if self.before is not None:
            await self.before()
        fault = self.faults.popleft() if self.faults else None
        if fault == OUTAGE:
            raise _away()
        if fault == REFUSAL or not lines:
            raise _refused("there is nothing to pack")
        answer = self._once((order_id, lines, ship_to, carrier), idempotency_key)
        if fault == LOST_ANSWER:
            raise _away()
        return answer

    def _once(self, asked: Asked, key: str) -> Package:
        if key not in self._by_key:
            order_id, lines, _, _ = asked
            self.packed[order_id] += 1
            weight = 100 * sum(line.quantity for line in lines)
            number = f"p_{self.packed.total()}"
            self._by_key[key] = (asked, Package(package_id=number, parcels=1, weight_grams=weight))
        first, answer = self._by_key[key]
        if first != asked:
            raise _refused("the key came before with another order")
        return answer


def _away() -> OutsideAwayError:
    return OutsideAwayError("the warehouse system did not answer", why="a fault was ordered")


def _refused(why: str) -> OutsideRefusedError:
    return OutsideRefusedError("the warehouse system refused", why=why)
