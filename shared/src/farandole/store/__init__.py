"""Store: a service's own database, with inbox, outbox and unit of work, on SQLite or PostgreSQL."""

from farandole.store.database import Parameters
from farandole.store.entry import AlreadyHandled, InboxEntry, StoredFollowOn, Tombstoned
from farandole.store.moment import Moment
from farandole.store.outbox import Outbox, OutboxRow
from farandole.store.store import DeliveryWork, Store
from farandole.store.work import UnitOfWork

__all__ = [
    "AlreadyHandled",
    "DeliveryWork",
    "InboxEntry",
    "Moment",
    "Outbox",
    "OutboxRow",
    "Parameters",
    "Store",
    "StoredFollowOn",
    "Tombstoned",
    "UnitOfWork",
]
