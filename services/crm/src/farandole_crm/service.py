"""The CRM service: tells customers what happens to their orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Backoff, Service
from farandole_events import OrderCancelled, OrderCompleted, OrderPlaced, ShipmentDispatched, StockBackordered

from farandole_crm import telling
from farandole_crm.app import create_app
from farandole_crm.messenger import Messenger
from farandole_crm.messenger_http import connect
from farandole_crm.settings import CrmSettings
from farandole_crm.tables import metadata
from farandole_crm.teller import Teller

PATIENT: Final = Backoff(first=timedelta(seconds=1), factor=4, attempts=6)

service: Final = Service("crm", tables=metadata)
service.provide(CrmSettings)
service.provide(Messenger, connect)
service.provide(Teller)
service.http(create_app)

service.on(OrderPlaced, depends_on="crm", retry=PATIENT)(telling.order_was_placed)
service.on(StockBackordered, depends_on="crm", retry=PATIENT)(telling.stock_was_backordered)
service.on(ShipmentDispatched, depends_on="crm", retry=PATIENT)(telling.shipment_was_dispatched)
service.on(OrderCompleted, depends_on="crm", retry=PATIENT)(telling.order_was_completed)
service.on(OrderCancelled, depends_on="crm", retry=PATIENT)(telling.order_was_cancelled)
