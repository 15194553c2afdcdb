"""Order probe: a service that hears what customers were told, in order per customer, and stumbles on purpose.

It runs beside the others, is killed and stopped with them, and writes down in which order it handled what: the order
that ``order="key"`` promises is then compared with the order of the topic.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Final

from farandole import Backoff, Delivery, Service, UnitOfWork, run
from farandole_events import CustomerNotified
from sqlalchemy import Column, Integer, MetaData, Table, Text

NAME: Final = "probe"
TOPIC: Final = CustomerNotified.avro.topic
STUMBLES: Final = 0.1
_LONGEST_SECONDS: Final = 0.03
_SOON: Final = Backoff(first=timedelta(milliseconds=100), factor=3, attempts=4, longest=timedelta(seconds=2))

metadata: Final = MetaData()
heard: Final = Table(
    "heard",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("customer_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    sqlite_autoincrement=True,
)

service: Final = Service(NAME, tables=metadata)
_random: Final = Random()


@service.on(CustomerNotified, retry=_SOON, order="key", stops=True)
async def hear(told: CustomerNotified, delivery: Delivery, work: UnitOfWork) -> None:
    """Write down that it is this event's turn, after a while, or fail."""
    await asyncio.sleep(_random.random() * _LONGEST_SECONDS)
    if _random.random() < STUMBLES:
        raise RuntimeError("stumbled on purpose")
    await work.execute(heard.insert().values(customer_id=told.customer_id, event_id=delivery.event_id))


if __name__ == "__main__":
    run(service)
