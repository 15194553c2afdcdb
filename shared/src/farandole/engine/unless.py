"""Unless: work that is given up when something else comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def finished(work: Coroutine[Any, Any, object], *, unless: asyncio.Event) -> bool:
    """Run the work and return True; cancel it and return False once the event is set. Raises what the work raises."""
    working, interrupted = asyncio.ensure_future(work), asyncio.ensure_future(unless.wait())
    try:
        await asyncio.wait((working, interrupted), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return working.done()
    finally:
        working.cancel()
        interrupted.cancel()
