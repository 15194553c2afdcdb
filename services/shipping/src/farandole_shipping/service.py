"""The shipping service: hands parcels to carriers, and hears what became of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from farandole import Backoff, Service
from farandole_events import OrderPacked, ShipmentDelivered, ShipmentDispatched, ShipmentReturned

from farandole_shipping import dispatching
from farandole_shipping.app import create_app
from farandole_shipping.carrier import Carriers
from farandole_shipping.carrier_http import connect
from farandole_shipping.desk import Desk
from farandole_shipping.settings import ShippingSettings
from farandole_shipping.tables import metadata

PATIENT: Final = Backoff(first=timedelta(seconds=1), factor=4, attempts=6)

service: Final = Service(dispatching.SERVICE, tables=metadata)
service.provide(ShippingSettings)
service.provide(Carriers, connect)
service.provide(Desk)
service.http(create_app)
service.emits(ShipmentDelivered, ShipmentReturned, by=Desk.take)

service.on(OrderPacked, depends_on="carriers", retry=PATIENT)(dispatching.order_was_packed)

service.expects(OrderPacked, then=ShipmentDispatched, within=timedelta(hours=1))
# What carriers take; one that never calls back is told of.
service.expects(ShipmentDispatched, then=(ShipmentDelivered, ShipmentReturned), within=timedelta(days=10))
