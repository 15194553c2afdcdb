"""FakeCarriers: carriers in memory, with books to look into and faults to order."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from farandole.outside import OutsideAwayError, OutsideRefusedError
from farandole_events import OrderPacked

from farandole_shipping.carrier import Consignment

DISPATCHED: Final = datetime(2026, 1, 2, tzinfo=UTC)
OUTAGE: Final = "outage"
"""The call fails and nothing was done."""
LOST_ANSWER: Final = "lost answer"
"""The call fails and the parcels were taken over."""


@dataclass(kw_only=True)
class FakeCarriers:
    """Take parcels over as carriers do. ``faults`` strike the next calls, one each.

    ``before`` is awaited at the start of each call. Shipments are ``s-1``, ``s-2`` …, their numbers ``T1``, ``T2`` ….
    """

    faults: deque[str] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    taken: dict[str, OrderPacked] = field(default_factory=dict)
    before: Callable[[], Awaitable[None]] | None = None
    _by_key: dict[str, tuple[OrderPacked, Consignment]] = field(default_factory=dict)

    async def hand_over(self, packed: OrderPacked, *, idempotency_key: str) -> Consignment:
        """See Carriers."""
        self.calls.append(packed.order_id)
        if self.before is not None:
            await self.before()
        fault = self.faults.popleft() if self.faults else None
        if fault == OUTAGE:
            raise _away()
        if packed.carrier in {"", ".", ".."} or packed.parcels < 1:
            raise _refused("there is no such carrier, or nothing to carry")
        answer = self._once(packed, idempotency_key)
        if fault == LOST_ANSWER:
            raise _away()
        return answer

    def _once(self, packed: OrderPacked, key: str) -> Consignment:
        if key not in self._by_key:
            number = len(self.taken) + 1
            self.taken[f"s-{number}"] = packed
            consignment = Consignment(shipment_id=f"s-{number}", tracking_number=f"T{number}", dispatched_at=DISPATCHED)
            self._by_key[key] = (packed, consignment)
        first, answer = self._by_key[key]
        if first != packed:
            raise _refused("the key came before with other parcels")
        return answer


def _away() -> OutsideAwayError:
    return OutsideAwayError("the carrier did not answer", why="a fault was ordered")


def _refused(why: str) -> OutsideRefusedError:
    return OutsideRefusedError("the carrier refused", why=why)
