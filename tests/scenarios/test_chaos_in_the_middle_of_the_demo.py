"""More than one thing goes wrong in the middle of the demo, and nothing is lost or doubled.

The Northwind orders run through a whole embedded mesh. Processes are killed with `kill -9` in quick succession, one of
them twice before it has come back to work; Redis is wiped and killed together with services; the broker is killed, and
again together with a service; processes are stopped for longer than their group waits for them, and then go on as if
nothing had happened. The mesh starts again what died, the zombies find that their work was given away, and in the end
the topics, the databases and the outside systems' books must agree.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from mischief import LONG, assert_nothing_came_of_it, mischief

ORDERS = 60
WITHIN = timedelta(seconds=300)
LONGER_THAN_A_GROUP_WAITS = timedelta(seconds=15)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 30)
async def test_kills_in_quick_succession_and_a_wiped_redis_lose_and_double_nothing(tmp_path):
    async with mischief(tmp_path / "home", orders=ORDERS, within=WITHIN) as (demo, mesh):
        await demo.placed(ORDERS // 3)
        for name in ("inventory", "payments", "payments", "orders"):
            await mesh.kill(name)
        await mesh.wipe_redis()
        await mesh.kill("redis", "warehouse", "erp")
        await mesh.reached("completed", 1)
        await mesh.wipe_redis()
        ended = await demo.ended()
    assert_nothing_came_of_it(ended, orders=ORDERS)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 30)
async def test_a_broker_that_is_killed_again_with_a_service_loses_and_doubles_nothing(tmp_path):
    async with mischief(tmp_path / "home", orders=ORDERS, within=WITHIN) as (demo, mesh):
        await mesh.kill("kafka")
        await mesh.reached("cancelled", 1)
        await mesh.kill("kafka", "shipping")
        ended = await demo.ended()
    assert_nothing_came_of_it(ended, orders=ORDERS)


@LONG
@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 30)
@pytest.mark.parametrize("zombies", [("inventory", "payments"), ("redis",), ("kafka",), ("orders", "sandbox")], ids=str)
async def test_zombies_lose_and_double_nothing(tmp_path, zombies):
    async with mischief(tmp_path / "home", orders=100, within=WITHIN) as (demo, mesh):
        await demo.placed(40)
        await mesh.freeze(LONGER_THAN_A_GROUP_WAITS, *zombies)
        ended = await demo.ended()
    assert_nothing_came_of_it(ended, orders=100)
