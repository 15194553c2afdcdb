"""The payment gateway is away for half a minute in the middle of the demo, and nobody has to do anything about it.

The Northwind orders run through a whole embedded mesh. The first are paid for, then the gateway answers nothing but
503. The orders that need it wait where they are: no retry and no dead letter is made of them, and by the gateway's own
count it is hardly called while it is away. `farandole breakers` says what is going on. When it is back every order ends
as if nothing had been.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from farandole_sandbox.faults import Fault, FaultKind, System
from mischief import assert_nothing_came_of_it, mischief
from sandbox_books import calls_of

ORDERS = 60
OUTAGE = timedelta(seconds=20)
WITHIN = timedelta(seconds=240)
AWAY = 503
PROBE_INTERVAL = timedelta(seconds=2)
BEFORE_IT_OPENED = 16 + 20
"""What may be on its way when the gateway goes, and the window that opens the breaker."""


async def breakers(home: Path) -> dict[str, Any]:
    """Ask `farandole breakers`, as somebody on call would."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from farandole.cli import main; main()",
        *("breakers", "--home", str(home), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return {one["dependency"]: one for one in json.loads(told)["breakers"]}


async def opened(home: Path) -> dict[str, Any]:
    """Wait until the gateway's breaker has opened, and return what is told of it."""
    while True:
        told = (await breakers(home)).get("payment-gateway", {})
        if told.get("transitions"):
            return told
        await asyncio.sleep(0.2)


@pytest.mark.mesh
@pytest.mark.slow
@pytest.mark.timeout(WITHIN.total_seconds() + 30)
async def test_an_outage_is_waited_for_and_costs_no_attempt(tmp_path):
    home = tmp_path / "home"
    async with mischief(home, orders=ORDERS, within=WITHIN) as (demo, outside):
        outage = Fault(system=System.GATEWAY, kind=FaultKind.OUTAGE, seconds=OUTAGE.total_seconds())
        await outside.switch_on([outage])
        told = await opened(home)
        assert "OutsideAwayError: the payment gateway answered 503" in told["reason"]
        ended = await demo.ended()
    assert_nothing_came_of_it(ended, orders=ORDERS)
    assert ended.document["retries"] == 0
    assert 10 <= calls_of(home, "gateway")[AWAY] <= BEFORE_IT_OPENED + OUTAGE / PROBE_INTERVAL + 1
