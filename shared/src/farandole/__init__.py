"""Farandole: event choreography on Kafka. These are the public names; everything else may change."""

from farandole.clock import Clock, SystemClock
from farandole.codec import Codec
from farandole.delivery import Coordinates, Delivery
from farandole.envelope import Envelope
from farandole.errors import FarandoleError
from farandole.event import Event, Value
from farandole.follow_on import FollowOn
from farandole.outbox import Outbox
from farandole.retry import Backoff
from farandole.runner import run
from farandole.service import Service
from farandole.signals import Reject, Retry
from farandole.store import Store, UnitOfWork

__all__ = [
    "Backoff",
    "Clock",
    "Codec",
    "Coordinates",
    "Delivery",
    "Envelope",
    "Event",
    "FarandoleError",
    "FollowOn",
    "Outbox",
    "Reject",
    "Retry",
    "Service",
    "Store",
    "SystemClock",
    "UnitOfWork",
    "Value",
    "run",
]
