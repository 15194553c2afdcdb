"""Desk: takes the carriers' messages and puts what they say into the outbox: each shipment ends once."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import structlog
from farandole import Outbox, Store, UnitOfWork
from farandole.identity import webhook_id
from sqlalchemy import Row, select, update

from farandole_shipping.carrier_message import CarrierMessage, event_of
from farandole_shipping.tables import shipments

SOURCE = "carrier"

log = structlog.get_logger(__name__)


class Answer(StrEnum):
    """What a carrier is told about its message."""

    TAKEN = "taken"
    TAKEN_BEFORE = "taken before"
    UNKNOWN = "unknown shipment"
    CONTRADICTION = "this id came before with another shipment"


class Desk:
    """Where the carriers' messages arrive. Safe for concurrent use, also by several replicas."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    async def take(self, message: CarrierMessage, sender_id: str) -> Answer:
        """Take a message: its event is in the outbox, or was before, when this returns."""
        event_id = webhook_id(source=SOURCE, sender_id=sender_id)
        own = shipments.c.order_id == message.order_id
        async with self._store.transaction() as work:
            shipment = (await work.execute(work.for_update(select(shipments).where(own)))).first()
            if shipment is None or shipment.shipment_id != message.shipment_id:
                return Answer.UNKNOWN
            if shipment.end is not None:
                _name_contradictions(shipment, message)
                return Answer.TAKEN_BEFORE
            if await _ended_another(work, event_id):
                return Answer.CONTRADICTION
            await work.execute(update(shipments).where(own).values(end=message.type, ended_by=event_id))
            event = event_of(message, tracking_number=shipment.tracking_number)
            await self._outbox.add(work, event, event_id=event_id, flow=shipment.flow, causes=(shipment.cause,))
        return Answer.TAKEN


async def _ended_another(work: UnitOfWork, event_id: str) -> bool:
    """Say whether this message ended another shipment: one id makes one event, the second would be dropped as known."""
    return await work.scalar(select(shipments.c.order_id).where(shipments.c.ended_by == event_id)) is not None


def _name_contradictions(shipment: Row[Any], message: CarrierMessage) -> None:
    if shipment.end != message.type:
        log.warning(
            "a carrier says something else than before; the first word counts",
            order_id=shipment.order_id,
            shipment_id=shipment.shipment_id,
            first=shipment.end,
            now=message.type.value,
        )
