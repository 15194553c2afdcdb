"""The table of the warehouse: one row an order, which both halves of the join and every cancellation meet at."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text

metadata: Final = MetaData()

fulfilments: Final = Table(
    "fulfilments",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    # The reservation, as JSON, once the stock is reserved: what to pack and where it goes.
    Column("reservation", LargeBinary),
    Column("authorised", Boolean, nullable=False),
    # The event that began the packing: only its delivery, whenever it comes back, goes on with it.
    Column("packed_by", Text),
    Column("package_id", Text),
    Column("parcels", Integer),
    Column("reason", Text),
)
