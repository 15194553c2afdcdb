"""Farandole: event choreography on Kafka. These are the public names; everything else may change."""

from farandole.breaker import Dependency
from farandole.clock import Clock, SystemClock
from farandole.codec import Codec
from farandole.delivery import Coordinates, Delivery
from farandole.envelope import Envelope
from farandole.errors import DependencyError, FarandoleError
from farandole.event import Event, Value
from farandole.follow_on import FollowOn
from farandole.outbox import Outbox
from farandole.read_model import ReadModel
from farandole.retry import Backoff
from farandole.runner import run
from farandole.service import Service
from farandole.signals import Reject, Retry, Throttled
from farandole.store import Store, UnitOfWork

__all__ = [
    "Backoff",
    "Clock",
    "Codec",
    "Coordinates",
    "Delivery",
    "Dependency",
    "DependencyError",
    "Envelope",
    "Event",
    "FarandoleError",
    "FollowOn",
    "Outbox",
    "ReadModel",
    "Reject",
    "Retry",
    "Service",
    "Store",
    "SystemClock",
    "Throttled",
    "UnitOfWork",
    "Value",
    "run",
]
