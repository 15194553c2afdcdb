"""The tables of shipping: what was handed to carriers, and what they told of it."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import Column, MetaData, Table, Text

metadata: Final = MetaData()

shipments: Final = Table(
    "shipments",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("shipment_id", Text, nullable=False, unique=True),
    Column("tracking_number", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    # The flow and the event that a carrier's message continues.
    Column("flow", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("dispatched_at", Moment, nullable=False),
    # What became of it: empty, delivered or returned. The first word of the carrier counts.
    Column("end", Text),
)

messages: Final = Table(
    "carrier_messages",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("received_at", Moment, nullable=False),
)
"""The webhooks that were taken: one that is sent again is answered and changes nothing."""
