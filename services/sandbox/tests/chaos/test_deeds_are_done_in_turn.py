"""Deeds are done one after another, each when its turn is and the one before is over; the demo waits for the last."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from farandole_sandbox.chaos.deed import Deed
from farandole_sandbox.chaos.running import do
from farandole_sandbox.demo.running import finished


class Noted:
    """Mischief that is only written down."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def accepted(self, count: int) -> None:
        self.done.append(f"waited for {count}")

    async def kill(self, *names: str) -> None:
        self.done.append(f"killed {' '.join(names)}")

    async def switch_on(self, faults: Sequence[object]) -> None:
        self.done.append(f"{len(faults)} faults")


async def test_each_deed_waits_for_its_turn():
    noted = Noted()
    await do((Deed(after=3), Deed(after=9, victim="redis")), noted, lambda _: None)
    assert noted.done == ["waited for 3", "8 faults", "waited for 9", "killed redis"]


async def test_what_fails_beside_the_demo_is_told():
    async def fails() -> None:
        raise RuntimeError("no such process")

    (told,) = await finished(asyncio.create_task(fails()), hopeless=False)
    assert "no such process" in told


@pytest.mark.timeout(30)
async def test_nothing_is_waited_for_when_the_orders_stand_still():
    for_ever = asyncio.create_task(asyncio.Event().wait())
    assert await finished(for_ever, hopeless=True) == []
    assert for_ever.cancelled()
