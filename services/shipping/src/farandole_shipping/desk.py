"""Desk: takes the carriers' messages, each once, and puts what they say into the outbox."""

from __future__ import annotations

from enum import Enum

from farandole import Clock, Outbox, Store, UnitOfWork
from farandole.identity import webhook_id
from sqlalchemy import Row, select, update

from farandole_shipping.carrier_message import CarrierMessage, event_of
from farandole_shipping.tables import messages, shipments


class Answer(Enum):
    """What became of a message."""

    TAKEN = "taken"
    TAKEN_BEFORE = "taken before"
    UNKNOWN_SHIPMENT = "unknown shipment"


class Desk:
    """Where the carriers' messages arrive. Safe for concurrent use."""

    def __init__(self, store: Store, outbox: Outbox, clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def take(self, message: CarrierMessage, sender_id: str) -> Answer:
        """Take a message: its event is in the outbox, or was before, when this returns."""
        event_id = webhook_id(source="carrier", sender_id=sender_id)
        async with self._store.transaction() as work:
            shipment = await self._shipment(work, message.shipment_id)
            if shipment is None or shipment.order_id != message.order_id:
                return Answer.UNKNOWN_SHIPMENT
            if not await self._is_new(work, event_id):
                return Answer.TAKEN_BEFORE
            if shipment.end is not None:
                return Answer.TAKEN_BEFORE
            await work.execute(
                update(shipments).where(shipments.c.shipment_id == message.shipment_id).values(end=message.type)
            )
            await self._outbox.add(
                work, event_of(message), event_id=event_id, flow=shipment.flow, causes=(shipment.cause,)
            )
        return Answer.TAKEN

    async def _shipment(self, work: UnitOfWork, shipment_id: str) -> Row[tuple[object, ...]] | None:
        statement = work.for_update(select(shipments).where(shipments.c.shipment_id == shipment_id))
        return (await work.execute(statement)).first()

    async def _is_new(self, work: UnitOfWork, event_id: str) -> bool:
        row = {"event_id": event_id, "received_at": self._clock.now()}
        inserted = await work.execute(work.insert(messages).values(row).on_conflict_do_nothing())
        return inserted.rowcount == 1
