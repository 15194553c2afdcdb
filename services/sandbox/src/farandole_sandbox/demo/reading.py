"""Reading: fetches the books of a mesh: topics, databases, outside systems."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2
from farandole import installed
from farandole.local.state import MeshState

from farandole_sandbox.demo import northwind
from farandole_sandbox.demo.books import Books, Hearing
from farandole_sandbox.demo.outside_books import read_effects, read_webhooks
from farandole_sandbox.demo.shop import Placed
from farandole_sandbox.demo.stores import read_inboxes, read_tables
from farandole_sandbox.demo.topics import read_topics


async def read_books(mesh: MeshState, client: httpx2.AsyncClient, placed: Sequence[Placed]) -> Books:
    """Read everything, of a mesh that is drained."""
    home, names = Path(mesh.home), [process.name for process in mesh.services]
    topics = await asyncio.to_thread(read_topics, mesh.bootstrap)
    return Books(
        placed=placed,
        records=topics.domain,
        retries=topics.retries,
        dead=topics.dead,
        inboxes=await asyncio.to_thread(read_inboxes, home, names),
        tables=await asyncio.to_thread(read_tables, home, names),
        hearing=hearing(),
        effects=await read_effects(client, mesh.url("sandbox")),
        webhooks=await read_webhooks(client, mesh.url("sandbox")),
        products=northwind.products(),
    )


def hearing() -> Mapping[str, Hearing]:
    """Return what every installed service declares to hear, from its signatures."""
    return {
        service.name: Hearing(
            hears=frozenset(handler.event.avro.fullname for handler in service.handlers),
            timed=frozenset(event.avro.fullname for timer in service.timers for event in timer.signature.emits),
        )
        for service in installed.services()
        if service.handlers
    }
