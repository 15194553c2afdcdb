"""The inventory: reserves stock, keeps backorders, and says what must be ordered."""

from __future__ import annotations

from datetime import timedelta

from farandole import Service
from farandole_events import GoodsReceived, OrderCancelled, OrderPlaced

from farandole_inventory.cancelled import release
from farandole_inventory.deadline import end_waits
from farandole_inventory.http import create_app
from farandole_inventory.placed import reserve
from farandole_inventory.received import put_away
from farandole_inventory.settings import InventorySettings
from farandole_inventory.shelves import Shelves, open_shelves
from farandole_inventory.tables import metadata

service = Service("inventory", tables=metadata)
service.provide(InventorySettings)
service.provide(Shelves, open_shelves)
service.on(OrderPlaced, on_replay="run")(reserve)
service.on(OrderCancelled, on_replay="run")(release)
service.on(GoodsReceived, on_replay="run")(put_away)
service.every(timedelta(seconds=1))(end_waits)
service.http(create_app)
