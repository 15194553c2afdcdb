"""Load: the shop's errands, spread evenly over a run, as customers come: on time, whoever of them still waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from farandole_sandbox.demo.errand import Errand
from farandole_sandbox.demo.shop import CONNECTIONS, Shop


async def place(shop: Shop, errands: Iterable[Errand], *, count: int, over: timedelta) -> None:
    """Send ``count`` errands over a time, a few at once; return when all were answered.

    A shop that waits for an order service that is away does not keep the next customers from coming.

    Raises:
        ShopClosed: the order service stayed away for longer than a shop waits.
    """
    began, waiting, sent = time.monotonic(), iter(errands), 0
    async with asyncio.TaskGroup() as customers:
        while few := list(islice(waiting, CONNECTIONS // 2)):
            due = began + over.total_seconds() * sent / count
            await asyncio.sleep(due - time.monotonic())
            customers.create_task(shop.place_all(few))
            sent += len(few)
