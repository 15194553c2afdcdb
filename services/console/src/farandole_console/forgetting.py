"""Forgetting: what is too old goes, a few rows at a time."""

from __future__ import annotations

from datetime import datetime

from farandole.store import UnitOfWork
from sqlalchemy import delete, select

from farandole_console.promises.tables import promise
from farandole_console.tables import event, flow, happening, operation_note


async def forget(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Forget flows, with their events, that had no event since ``before``; ``most`` at most; return how many."""
    old = select(flow.c.id).where(flow.c.latest < before).order_by(flow.c.latest).limit(most)
    ids = [row.id for row in await work.execute(work.for_update(old))]
    if ids:
        await work.execute(delete(event).where(event.c.flow_id.in_(ids)))
        await work.execute(delete(happening).where(happening.c.flow_id.in_(ids)))
        await work.execute(delete(promise).where(promise.c.flow_id.in_(ids)))
        await work.execute(delete(flow).where(flow.c.id.in_(ids)))
    return len(ids)


async def forget_happenings(work: UnitOfWork, *, before: datetime, most: int) -> None:
    """Forget what happened, and what operators did, before a moment; ``most`` rows of each at most.

    What happened to an event that nobody indexed belongs to no flow that would ever be forgotten.
    """
    for table in (happening, operation_note):
        key = table.c.seq if table is happening else table.c.offset
        old = select(key).where(table.c.at < before).order_by(table.c.at).limit(most)
        await work.execute(delete(table).where(key.in_(old)))
