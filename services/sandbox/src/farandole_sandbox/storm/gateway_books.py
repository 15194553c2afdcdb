"""Gateway books: the calls that the gateway counted, as the sandbox tells them over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import httpx2
import msgspec

from farandole_sandbox.storm.traffic import Traffic, traffic

_TIMEOUT: Final = 30.0
_PAGE: Final = 5000


async def read_traffic(client: httpx2.AsyncClient, url: str) -> Traffic:
    """Return all calls of the gateway. Raises httpx2.HTTPError."""
    rows: list[dict[str, Any]] = []
    while len(page := await _page(client, url, after=rows[-1]["second"] if rows else 0)) == _PAGE:
        # A page may end in the middle of a second: that second is read again as a whole.
        rows += [row for row in page if row["second"] != page[-1]["second"]]
    return traffic([*rows, *page])


async def _page(client: httpx2.AsyncClient, url: str, *, after: int) -> Sequence[dict[str, Any]]:
    parameters = {"after": str(after), "limit": str(_PAGE)}
    answer = await client.get(f"{url}/books/calls", params=parameters, timeout=_TIMEOUT)
    answer.raise_for_status()
    rows: list[dict[str, Any]] = msgspec.json.decode(answer.content)["calls"]
    return rows
