"""A service with a database, as a process of its own, for the tests of how one boots."""

from __future__ import annotations

from farandole import Service, UnitOfWork
from farandole.runner import run
from farandole_events import OrderCancelled
from sqlalchemy import MetaData

service = Service("booting", tables=MetaData())


@service.on(OrderCancelled)
async def note(event: OrderCancelled, work: UnitOfWork) -> None:
    """Remember it in the inbox; there is nothing else to do."""


if __name__ == "__main__":
    run(service)
