"""A handler that does not end when its time is over is tried again, and nothing behind it waits for ever.

One that awaits is cancelled. If it keeps that to itself, it is left behind, and what it still does counts for nothing.
A plain function is interrupted where it is. Whatever no interruption helps ends the process, so that others go on.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from farandole import Backoff, Service, UnitOfWork
from farandole.engine import timely
from farandole.testing import Harness
from farandole_events import OrderCancelled
from sqlalchemy import Column, MetaData, String, Table, select

QUICK = Backoff(first=timedelta(milliseconds=10), factor=1, attempts=3)
SHORT = timedelta(milliseconds=50)


def cancelled(order: str) -> OrderCancelled:
    return OrderCancelled(order_id=order, customer_id="c-1", reason="x", cause="customer")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave what is cancelled and goes on after a tenth of a second."""
    defaults = timely.in_time.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "ends_within", timedelta(milliseconds=100))


async def test_a_handler_that_swallows_its_cancellation_is_left_behind_and_tried_again() -> None:
    runs = 0
    never = asyncio.Event()
    service = Service("deaf")

    async def listen(event: OrderCancelled) -> None:
        nonlocal runs
        runs += 1
        while runs == 1:
            try:
                await never.wait()
            except asyncio.CancelledError:
                continue

    service.on(OrderCancelled, retry=QUICK, timeout=SHORT)(listen)
    async with Harness(service) as harness:
        await harness.deliver(cancelled("o-1"), cancelled("o-1"))
        await harness.advance(timedelta(seconds=1))
        assert runs == 3
        assert harness.runtime.metrics.totals().retried == 1
        runs = 99
        never.set()


async def test_what_a_handler_that_was_left_behind_still_writes_is_in_no_transaction() -> None:
    metadata = MetaData()
    effects = Table("effects", metadata, Column("text", String, primary_key=True))
    service = Service("late", tables=metadata)
    runs, late = 0, asyncio.Event()
    refused: list[Exception] = []

    async def listen(event: OrderCancelled, work: UnitOfWork) -> None:
        nonlocal runs
        runs += 1
        await work.execute(effects.insert().values(text=f"run {runs}"))
        if runs > 1:
            return
        waiting = asyncio.ensure_future(late.wait())
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError:
                continue
        try:
            await work.execute(effects.insert().values(text="too late"))
        except Exception as error:
            refused.append(error)

    service.on(OrderCancelled, retry=QUICK, timeout=SHORT)(listen)
    async with Harness(service) as harness:
        await harness.deliver(cancelled("o-1"))
        await harness.advance(timedelta(seconds=1))
        late.set()
        while not refused:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
        assert harness.store is not None
        async with harness.store.transaction() as work:
            assert [row.text for row in (await work.execute(select(effects))).all()] == ["run 2"]


async def test_a_handler_that_ends_in_order_when_its_time_is_over_has_ended() -> None:
    service = Service("orderly")
    runs = 0

    async def listen(event: OrderCancelled) -> None:
        nonlocal runs
        runs += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    service.on(OrderCancelled, retry=QUICK, timeout=SHORT)(listen)
    async with Harness(service) as harness:
        await harness.deliver(cancelled("o-1"))
        assert (runs, harness.runtime.metrics.totals().handled) == (1, 1)


@pytest.mark.parametrize("how", ["time.sleep(60)", "[None for _ in iter(int, 1) if _]", "threading.Event().wait()"])
def test_a_plain_function_is_interrupted_where_it_is_and_tried_again(how: str) -> None:
    """In a process of its own: the interruption is a signal to the main thread."""
    began = time.monotonic()
    assert run(PLAIN.format(how=how)) == (0, "handled after 2 runs\n")
    assert time.monotonic() - began < 50


def test_a_loop_that_stands_still_for_too_long_ends_the_process_and_says_where_it_stood() -> None:
    code, told = run(BLOCKED)
    assert code == 70
    assert "E331" in told
    assert "blocks_it_all" in told
    assert "left" in told


def run(program: str) -> tuple[int, str]:
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=90, check=False)
    return ended.returncode, ended.stdout if ended.returncode == 0 else ended.stdout + ended.stderr


PLAIN = """
import asyncio, logging, structlog, threading, time
from datetime import timedelta
from farandole import Backoff, Service
from farandole.testing import Harness
from farandole_events import OrderCancelled

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
service, runs = Service("plain"), 0

@service.on(OrderCancelled, retry=Backoff(first=timedelta(milliseconds=10), attempts=3), timeout=timedelta(seconds=0.5))
def listen(event: OrderCancelled) -> None:
    global runs
    runs += 1
    if runs == 1:
        {how}

async def main():
    async with Harness(service) as harness:
        harness.runtime.watch.start(limit=timedelta(seconds=40), end=lambda why: None)
        await harness.deliver(OrderCancelled(order_id="o", customer_id="c", reason="x", cause="customer"))
        await harness.advance(timedelta(seconds=1))
        assert harness.runtime.metrics.totals().handled == 1
    print("handled after", runs, "runs")

asyncio.run(main())
"""

BLOCKED = """
import asyncio, time
from datetime import timedelta
from farandole.engine.watch import Watch
from farandole.metrics import Metrics
from farandole.stopping import end_now

def left(why):
    print("left the group")
    end_now(why)

def blocks_it_all():
    time.sleep(60)

async def main():
    Watch(Metrics("blocked")).start(limit=timedelta(seconds=1), end=left)
    await asyncio.sleep(0.5)
    blocks_it_all()

asyncio.run(main())
"""
