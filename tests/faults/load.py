"""Load: the shop's errands, spread evenly over a run, as customers come: on time, while not too many of them wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import Final

from farandole_sandbox.demo.errand import Errand
from farandole_sandbox.demo.shop import CONNECTIONS, Shop, ShopClosed

_TOGETHER: Final = CONNECTIONS // 2
AT_ONCE: Final = 4 * _TOGETHER
"""Every client that waits in vain asks again: far more of them on a slow machine keep it busy with nothing else."""


async def place(shop: Shop, errands: Iterable[Errand], *, count: int, over: timedelta) -> None:
    """Send ``count`` errands over a time, a few at once; return when all were answered.

    Who waits for an order service that is away does not keep the next customers from coming, up to ``AT_ONCE``.

    An order service that stays away for longer than a shop waits is a surprise among the shop's receipts.
    """
    began, waiting, sent = time.monotonic(), iter(errands), 0
    room = asyncio.Semaphore(AT_ONCE // _TOGETHER)

    async def come(few: list[Errand]) -> None:
        async with room:
            try:
                await shop.place_all(few)
            except ShopClosed as closed:
                # The order service stayed away. The mesh is judged all the same: this is one thing more that is wrong.
                if str(closed) not in shop.receipts.surprises:
                    shop.receipts.surprises.append(str(closed))

    async with asyncio.TaskGroup() as customers:
        while few := list(islice(waiting, _TOGETHER)):
            due = began + over.total_seconds() * sent / count
            await asyncio.sleep(due - time.monotonic())
            customers.create_task(come(few))
            sent += len(few)
