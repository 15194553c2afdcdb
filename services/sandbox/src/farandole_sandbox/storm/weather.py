"""Weather: the faults of the gateway: out from its first call on, and limited from then to the end."""

from __future__ import annotations

from pathlib import Path

import httpx2
from farandole.clock import SystemClock

from farandole_sandbox.books import Books
from farandole_sandbox.faults import Fault, FaultKind, System
from farandole_sandbox.switchboard import Switchboard

_TIMEOUT = 30.0


async def break_gateway(file: Path, *, rate: int) -> str:
    """Switch outage and rate limit on in the books, a file, of a sandbox that does not run yet; return the outage's id.

    It comes up as broken as its books say, so not one call gets through beforehand.
    """
    books = Books(file)
    await books.open()
    try:
        switchboard = Switchboard(books, SystemClock())
        outage = await switchboard.switch_on(Fault(system=System.GATEWAY, kind=FaultKind.OUTAGE))
        await switchboard.switch_on(Fault(system=System.GATEWAY, kind=FaultKind.RATE_LIMIT, per_second=rate))
    finally:
        await books.close()
    return outage.id


async def end_outage(client: httpx2.AsyncClient, url: str, outage_id: str) -> None:
    """Let the gateway come back. Raises httpx2.HTTPError when the sandbox does not answer."""
    answer = await client.delete(f"{url}/faults/{outage_id}", timeout=_TIMEOUT)
    answer.raise_for_status()
