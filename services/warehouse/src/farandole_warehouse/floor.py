"""Floor: the warehouse's rows, one an order, and the steps that they take. Every step locks the order's row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from farandole import UnitOfWork
from farandole_events import StockReserved
from sqlalchemy import select, update

from farandole_warehouse.state import State, may_begin_packing, may_cancel
from farandole_warehouse.tables import fulfilments
from farandole_warehouse.wms import Package


@dataclass(frozen=True, kw_only=True, slots=True)
class Fulfilment:
    """One order as the warehouse knows it."""

    order_id: str
    state: State
    reservation: StockReserved | None
    authorised: bool
    packed_by: str | None

    def packing_belongs_to(self, event_id: str) -> bool:
        """Say whether the delivery of this event is the one that packs the order."""
        return self.state is State.PACKING and self.packed_by == event_id


async def note_reserved(work: UnitOfWork, reserved: StockReserved) -> None:
    """Note the one half of the join; a repetition changes nothing."""
    kept = msgspec.json.encode(reserved)
    await _upsert(work, reserved.order_id, {"reservation": kept})


async def note_authorised(work: UnitOfWork, order_id: str) -> None:
    """Note the other half of the join; a repetition changes nothing."""
    await _upsert(work, order_id, {"authorised": True})


async def begin_packing(work: UnitOfWork, order_id: str, event_id: str) -> Fulfilment:
    """Begin packing if this is the moment, on behalf of an event, and return how the order stands then."""
    found = await _locked(work, order_id)
    if may_begin_packing(found.state, reserved=found.reservation is not None, authorised=found.authorised):
        await _set(work, order_id, state=State.PACKING, packed_by=event_id)
        return await _locked(work, order_id)
    return found


async def note_packed(work: UnitOfWork, order_id: str, package: Package) -> None:
    """Note that the order is packed."""
    await _set(work, order_id, state=State.PACKED, package_id=package.package_id, parcels=package.parcels)


async def cancel(work: UnitOfWork, order_id: str, reason: str) -> tuple[State, bool]:
    """Cancel an order, also one that was never heard of; return its state and whether this cancelled it."""
    await _upsert(work, order_id, {})
    found = await _locked(work, order_id)
    if may_cancel(found.state):
        await _set(work, order_id, state=State.CANCELLED, reason=reason)
        return State.CANCELLED, True
    return found.state, False


async def _upsert(work: UnitOfWork, order_id: str, half: dict[str, Any]) -> None:
    fresh = {"order_id": order_id, "state": State.WAITING, "authorised": False, **half}
    insert = work.insert(fulfilments).values(**fresh)
    conflict = [fulfilments.c.order_id]
    if half:
        await work.execute(insert.on_conflict_do_update(index_elements=conflict, set_=half))
    else:
        await work.execute(insert.on_conflict_do_nothing(index_elements=conflict))


async def _locked(work: UnitOfWork, order_id: str) -> Fulfilment:
    statement = work.for_update(select(fulfilments).where(fulfilments.c.order_id == order_id))
    row = (await work.execute(statement)).one()
    return Fulfilment(
        order_id=row.order_id,
        state=State(row.state),
        reservation=None if row.reservation is None else msgspec.json.decode(row.reservation, type=StockReserved),
        authorised=row.authorised,
        packed_by=row.packed_by,
    )


async def _set(work: UnitOfWork, order_id: str, **values: Any) -> None:
    await work.execute(update(fulfilments).where(fulfilments.c.order_id == order_id).values(**values))
