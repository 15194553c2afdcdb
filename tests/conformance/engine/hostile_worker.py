"""A service as a process of its own, for hostile records to be sent to; ``TAG`` names it and its topics."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

from farandole import Service
from farandole.runner import run
from things import Asked, things

WORKS_FOR = timedelta(milliseconds=200)


def service_of(tag: str) -> Service:
    """Return a service whose handler takes its time, so that many events are in its hands at once."""
    service = Service(tag)

    async def hear(question: Asked) -> None:
        await asyncio.sleep(WORKS_FOR.total_seconds())

    # The event class is of this tag, which an annotation cannot say.
    hear.__annotations__ |= {"question": things(tag).asked}
    service.on(hear.__annotations__["question"])(hear)
    return service


if __name__ == "__main__":
    run(service_of(os.environ["TAG"]))
