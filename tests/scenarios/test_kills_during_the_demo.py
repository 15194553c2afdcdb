"""Processes die in the middle of the demo, and nothing is lost or doubled.

The Northwind orders run through a whole embedded mesh: a real Kafka, a real Redis, every service a process of its own.
While orders are being placed and worked on, something is killed with `kill -9`: a service, Redis, the broker. The mesh
starts it again, the work goes on, and at the end the topics, the services' databases and the outside systems' own
books must agree: every order in exactly one terminal state, nothing lost, nothing doubled, nothing unexplained.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from demo_run import DemoRun, Ended
from mischief import LONG

ORDERS = int(os.environ.get("FARANDOLE_SCENARIO_ORDERS", "120"))
WITHIN = 240 + ORDERS


def balanced(ended: Ended) -> bool:
    audit = ended.document["audit"]
    return (ended.document["open"], audit["lost"], audit["doubled"], audit["unexplained"]) == (0, 0, 0, 0)


async def run_with_kills(home: Path, *victims: str) -> Ended:
    async with asyncio.timeout(WITHIN), DemoRun(home, orders=ORDERS) as demo:
        for number, victim in enumerate(victims, start=1):
            await demo.placed(ORDERS * number // (len(victims) + 1))
            await demo.kill(victim)
        return await demo.ended()


@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN + 30)
@pytest.mark.parametrize(
    "victims",
    [
        # The short torture run kills every one of these as well.
        pytest.param(("inventory", "payments", "warehouse"), marks=LONG),
        pytest.param(("orders", "shipping", "invoicing"), marks=LONG),
        pytest.param(("redis",), marks=LONG),
        pytest.param(("kafka",), marks=LONG),
        # While the outside systems start again, retries gather, and the last of them may be due minutes later.
        pytest.param(("sandbox", "suppliers"), marks=LONG),
    ],
    ids=["services in the middle", "services at the ends", "Redis", "the broker", "outside systems"],
)
async def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path, victims):
    ended = await run_with_kills(tmp_path / "home", *victims)
    assert ended.document["orders"] == ORDERS
    assert balanced(ended), f"{ended.document}\n{ended.told[-4000:]}"
    assert ended.exit_code == 0


@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN + 30)
async def test_an_undisturbed_demo_balances_and_says_so_in_one_document(tmp_path):
    ended = await run_with_kills(tmp_path / "home")
    assert set(ended.document) >= {
        "orders",
        "completed",
        "cancelled",
        "open",
        "events",
        "duplicates_dropped",
        "retries",
        "dead_letters",
        "seconds",
        "accept_ms",
        "order_to_terminal_ms",
        "audit",
    }
    assert set(ended.document["accept_ms"]) == set(ended.document["order_to_terminal_ms"]) == {"p50", "p99"}
    assert ended.document["completed"] + ended.document["cancelled"] == ORDERS
    assert ended.document["completed"] > 0
    assert ended.document["cancelled"] > 0
    assert balanced(ended), f"{ended.document}\n{ended.told[-4000:]}"
    assert ended.exit_code == 0
