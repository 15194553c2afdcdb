"""Taken: the lease of a service, held by one replay at a time, and waited for where that is this very one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

from farandole.clock import Clock
from farandole.errors import OperationError
from farandole.operations import Lease, Operation
from farandole.operations.lease import LASTS, holder
from farandole.replay.ground import Ground

MARGIN: Final = timedelta(seconds=2)


@asynccontextmanager
async def taken(
    ground: Ground, operation: Operation, *, clock: Clock, say: Callable[[str], None]
) -> AsyncGenerator[None]:
    """Hold the service's lease for a block.

    Where this very operation has it already, its process may have been killed: then it is waited for as long as a lease
    outlives its holder. Raises OperationError where somebody else has it, or that process lives, and
    LedgerUnavailableError.
    """
    url, ends = ground.target.redis_url, clock.now() + LASTS + MARGIN
    while True:
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(Lease(url, cluster=ground.cluster, operation=operation))
            except OperationError:
                there = await holder(url, cluster=ground.cluster, service=operation.service)
                if (there is not None and there.id != operation.id) or clock.now() >= ends:
                    raise
            else:
                yield
                return
        say("another process runs this replay, or was killed: waiting until that is certain")
        await clock.sleep(MARGIN)
