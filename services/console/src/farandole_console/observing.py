"""Observing: every event of every domain topic goes into the index, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence

from farandole import Delivery

from farandole_console.index import Index
from farandole_console.service import service
from farandole_console.sighting import sighting_of


@service.observe
async def index(deliveries: Sequence[Delivery], events: Index) -> None:
    """Index a batch. At-least-once, so it may come again: the index then finds nothing new in it."""
    await events.add([sighting_of(delivery) for delivery in deliveries])
