"""Beside: work with an end, and work without one that goes on only as long."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def beside(work: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, None]) -> T:
    """Do the work with others beside it, which have no end of their own; what fails first ends them all."""
    main = asyncio.create_task(work)
    tasks: list[asyncio.Task[Any]] = [main, *(asyncio.create_task(one) for one in others)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
        return await main
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
