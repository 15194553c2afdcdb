"""The table of shipping: what was handed to carriers, and what became of it."""

from __future__ import annotations

from typing import Final

from farandole.store import Moment
from sqlalchemy import CheckConstraint, Column, MetaData, Table, Text, UniqueConstraint

metadata: Final = MetaData()

shipments: Final = Table(
    "shipments",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("package_id", Text, nullable=False),
    Column("shipment_id", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    # The flow and the event that a carrier's message continues.
    Column("flow", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("dispatched_at", Moment, nullable=False),
    # What became of it: empty, delivered or returned, and the event that told. The first word of the carrier counts.
    Column("end", Text),
    Column("ended_by", Text, unique=True),
    UniqueConstraint("carrier", "shipment_id", name="a_shipment_is_of_one_order"),
    CheckConstraint('("end" IS NULL) = (ended_by IS NULL)', name="whoever_ends_it_is_named"),
)
"""One row an order: it leaves once. Two carriers may well count their shipments alike, one carrier may not."""
