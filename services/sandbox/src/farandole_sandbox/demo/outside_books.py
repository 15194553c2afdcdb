"""Outside books: what the outside systems did, as the sandbox tells it over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx2
import msgspec

from farandole_sandbox.demo.books import Effect, Row

_PAGE: Final = 5000
_TIMEOUT: Final = 30.0


async def read_effects(client: httpx2.AsyncClient, url: str) -> tuple[Effect, ...]:
    """Return everything that was done, oldest first."""
    return tuple([_effect(row) async for row in _pages(client, f"{url}/books/effects", "effects")])


async def read_webhooks(client: httpx2.AsyncClient, url: str) -> tuple[Row, ...]:
    """Return everything that was owed to the services."""
    return tuple([row async for row in _pages(client, f"{url}/books/webhooks", "webhooks")])


async def webhooks_pending(client: httpx2.AsyncClient, url: str) -> int:
    """Return how many webhooks are still owed."""
    answer = await client.get(f"{url}/books/summary", timeout=_TIMEOUT)
    answer.raise_for_status()
    return int(msgspec.json.decode(answer.content)["webhooks"]["pending"])


async def _pages(client: httpx2.AsyncClient, url: str, name: str) -> AsyncIterator[dict[str, Any]]:
    after: Any = None
    while True:
        parameters = {"limit": str(_PAGE)} | ({} if after is None else {"after": str(after)})
        answer = await client.get(url, params=parameters, timeout=_TIMEOUT)
        answer.raise_for_status()
        page = msgspec.json.decode(answer.content)
        for row in page[name]:
            yield row
        after = page["next"]
        if after is None:
            return


def _effect(row: Row) -> Effect:
    return Effect(
        id=row["id"],
        kind=row["kind"],
        once=row["once"],
        order_id=row.get("order_id"),
        parent=row.get("parent"),
        amount_cents=row.get("amount_cents"),
        detail=row["detail"],
    )
