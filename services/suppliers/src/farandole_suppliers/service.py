"""The suppliers service: orders goods for what is short, and hears of their arrival."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Backoff, Service
from farandole_events import GoodsReceived, PurchaseOrderSent, StockLow

from farandole_suppliers.app import create_app
from farandole_suppliers.book import PurchaseBook
from farandole_suppliers.ordering import SERVICE, order_more
from farandole_suppliers.portal import SupplierPortal
from farandole_suppliers.portal_http import connect
from farandole_suppliers.settings import SuppliersSettings
from farandole_suppliers.tables import metadata

PATIENT: Final = Backoff(first=timedelta(seconds=1), factor=4, attempts=6)

service: Final = Service(SERVICE, tables=metadata)
service.provide(SuppliersSettings)
service.provide(SupplierPortal, connect)
service.provide(PurchaseBook)
service.http(create_app)
service.emits(GoodsReceived, by=PurchaseBook.receive)
service.on(StockLow, depends_on="supplier-portal", retry=PATIENT)(order_more)

# No order waits for goods longer than three days: goods that come later are somebody's to ask for.
service.expects(PurchaseOrderSent, then=GoodsReceived, within=timedelta(days=3))
