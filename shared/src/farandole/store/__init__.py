"""Store: a service's own database, with inbox, outbox and unit of work, on SQLite or PostgreSQL."""

from farandole.store.database import Parameters
from farandole.store.entry import REPLAY_SEPARATOR, AlreadyHandled, InboxEntry, StoredFollowOn, Tombstoned, inbox_id
from farandole.store.moment import Moment
from farandole.store.outbox import Outbox, OutboxRow
from farandole.store.store import DeliveryWork, Store
from farandole.store.work import UnitOfWork

__all__ = [
    "REPLAY_SEPARATOR",
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
    "inbox_id",
]
