"""Rerun: whether a delivery runs its handler: one of a replay `again` does so for what was handled, and may be."""

from __future__ import annotations

from farandole.delivery import Delivery
from farandole.engine.session import LedgerSession
from farandole.handler import Handler
from farandole.ledger import State, event_key
from farandole.store import Store, inbox_id


async def runs(delivery: Delivery, handler: Handler | None, *, store: Store | None, session: LedgerSession) -> bool:
    """Tell whether the handler runs; without one there is a refusal to be taken to its end instead.

    Again is only what was handled before. What is still open, retrying or dead, is not run by a replay ahead of its own
    delivery: that would find its work done, and the follow-ons that the replay held back would never be published.
    Without a store there is no work to be found. Raises StoreUnavailableError and LedgerUnavailableError.
    """
    if handler is None or delivery.replay is None:
        return True
    if not handler.runs_in(delivery.replay):
        return False
    return store is None or not await _is_open(delivery, store, session)


async def _is_open(delivery: Delivery, store: Store, session: LedgerSession) -> bool:
    source, event_id = delivery.envelope.source, delivery.event_id
    remembered = await store.remembered(source, inbox_id(event_id))
    if remembered is not None:
        return remembered.state == "tombstone"
    entry = await session.lookup(event_key(source, event_id))
    return entry is not None and entry.state is not State.DONE
