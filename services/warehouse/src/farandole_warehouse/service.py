"""The warehouse service: packs orders that are reserved and paid for, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Backoff, Service
from farandole_events import CancellationRequested, OrderCancelled, PaymentAuthorised, StockReserved

from farandole_warehouse import cancelling, packing
from farandole_warehouse.app import create_app
from farandole_warehouse.settings import WarehouseSettings
from farandole_warehouse.tables import metadata
from farandole_warehouse.wms import WarehouseSystem
from farandole_warehouse.wms_http import connect

PATIENT: Final = Backoff(first=timedelta(seconds=1), factor=4, attempts=6)

service: Final = Service("warehouse", tables=metadata)
service.provide(WarehouseSettings)
service.provide(WarehouseSystem, connect)
service.http(create_app)

service.on(StockReserved, depends_on="warehouse-system", retry=PATIENT)(packing.stock_was_reserved)
service.on(PaymentAuthorised, depends_on="warehouse-system", retry=PATIENT)(packing.payment_was_authorised)
service.on(CancellationRequested, on_replay="run")(cancelling.cancellation_was_requested)
service.on(OrderCancelled, on_replay="run")(cancelling.order_was_cancelled)
