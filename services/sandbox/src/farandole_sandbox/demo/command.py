"""``farandole demo``: the Northwind orders through every service, and an audit from outside."""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path
from typing import Annotated

import httpx2
from cyclopts import Parameter
from farandole.cli.home import Home, Json, default_home
from farandole.local.state import MeshState

from farandole_sandbox.demo import northwind
from farandole_sandbox.demo.errand import errands
from farandole_sandbox.demo.host import on_a_mesh
from farandole_sandbox.demo.progress import Progress
from farandole_sandbox.demo.shop import CONNECTIONS, Shop
from farandole_sandbox.demo.waiting import Counter, until_ended


def demo(
    *,
    orders: Annotated[int, Parameter(help="How many orders; beyond 830 the file begins again.")] = 830,
    home: Home = None,
    json: Json = False,
) -> int:
    """Send the Northwind orders through every service, then audit that nothing was lost or doubled.

    Uses the mesh that runs in the home, or brings one up (what an earlier one left there is deleted) and ends it.
    """
    return asyncio.run(_demo(home or default_home(), count=orders, as_json=json))


async def _demo(home: Path, *, count: int, as_json: bool) -> int:
    began = time.time()
    with Progress(wanted=count) as progress:

        async def work(mesh: MeshState) -> int:
            limits = httpx2.Limits(max_connections=CONNECTIONS * 2)
            async with httpx2.AsyncClient(limits=limits) as client:
                counter = Counter(client, mesh.url("orders"))
                await counter.begin()
                shop = Shop(client, mesh.url("orders"), run=uuid.uuid4().hex[:8], heard=lambda: None)
                placing = asyncio.ensure_future(shop.place_all(errands(northwind.orders(), count)))
                await until_ended(
                    counter, wanted=count, placed=lambda: len(shop.receipts.placed), placing=placing, show=progress.show
                )
                first = min(one.accepted for one in shop.receipts.placed)
                progress.tell(
                    f"first accepted {first - began:.1f}s after start; ended {time.time() - shop.receipts.began:.1f}s after first POST"
                )
                progress.tell(repr(shop.receipts.surprises[:5]) + f" resent {shop.receipts.resent}")
            return 0

        return await on_a_mesh(home, work, tell=progress.tell)
