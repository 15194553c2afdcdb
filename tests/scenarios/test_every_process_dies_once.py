"""`farandole demo chaos`: every process of the mesh is killed once while every outside system misbehaves.

Kafka, Redis, the sandbox and all services die by `kill -9` in an order drawn from a seed while the orders are worked
on; meanwhile calls fail, answers are lost or come twice, webhooks come twice, carriers bring parcels back. It takes
minutes, most of which retries wait until they are due, so it only runs on request.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from demo_run import DemoRun
from mischief import LONG, assert_nothing_came_of_it

ORDERS = 60
WITHIN = timedelta(minutes=15)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds())
async def test_a_demo_in_which_every_process_dies_loses_and_doubles_nothing(tmp_path):
    async with DemoRun(tmp_path / "home", "chaos", orders=ORDERS) as demo:
        ended = await demo.ended()
    assert_nothing_came_of_it(ended, orders=ORDERS)
    killed = [deed for deed in ended.document["mischief"] if deed.startswith("kill -9")]
    assert {"kafka", "redis", "sandbox", "orders"} <= {deed.split()[2].rstrip(",") for deed in killed}
