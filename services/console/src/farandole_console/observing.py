"""Observing: every record of every topic goes into the index, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence

from farandole import Delivery

from farandole_console.index import Index
from farandole_console.seen import SeenReader
from farandole_console.service import service


@service.observe(private=True)
async def index(deliveries: Sequence[Delivery], reader: SeenReader, events: Index) -> None:
    """Index a batch. At-least-once, so it may come again: the index then finds nothing new in it."""
    await events.add(reader.seen(deliveries))
