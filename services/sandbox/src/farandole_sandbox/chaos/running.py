"""Running: the demo's work with mischief beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from farandole.local.state import MeshState

from farandole_sandbox.chaos.deed import Deed, deeds
from farandole_sandbox.chaos.mischief import Mischief
from farandole_sandbox.chaos.weather import everything_at_once
from farandole_sandbox.demo.outcome import Outcome
from farandole_sandbox.demo.progress import Progress
from farandole_sandbox.demo.running import work_of
from farandole_sandbox.faults import Fault

THE_WEATHER_LASTS: Final = timedelta(seconds=20)


def chaos_of(
    count: int, *, seed: int, progress: Progress
) -> Callable[[MeshState], Coroutine[Any, Any, tuple[Outcome, Sequence[Deed]]]]:
    """Return the work of a demo of so many orders in which every process of its mesh is killed once."""

    async def work(mesh: MeshState) -> tuple[Outcome, Sequence[Deed]]:
        planned = deeds([process.name for process in mesh.processes], orders=count, seed=seed)
        doing = asyncio.create_task(do(planned, Mischief(Path(mesh.home)), progress.tell))
        try:
            return await work_of(count, progress, beside=doing)(mesh), planned
        finally:
            doing.cancel()

    return work


class Hand(Protocol):
    """What deeds need of Mischief."""

    async def accepted(self, count: int) -> None:
        """See Mischief."""
        ...

    async def kill(self, *names: str) -> None:
        """See Mischief."""
        ...

    async def switch_on(self, faults: Sequence[Fault]) -> None:
        """See Mischief."""
        ...


async def do(planned: Sequence[Deed], mischief: Hand, tell: Callable[[str], None]) -> None:
    """Do one deed after another, each when its turn is and the one before is over."""
    for deed in planned:
        await mischief.accepted(deed.after)
        tell(str(deed))
        if deed.victim:
            await mischief.kill(deed.victim)
        else:
            await mischief.switch_on(everything_at_once(lasts=THE_WEATHER_LASTS))
