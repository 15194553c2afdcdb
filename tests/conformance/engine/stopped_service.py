"""A service to be stopped: ``python stopped_service.py NAME HOW``. It says when it handles, and when it has handled."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import timedelta

from farandole import Service, run
from farandole_events import OrderCancelled
from sqlalchemy import MetaData

NAME, HOW = sys.argv[1:]
service = Service(NAME, tables=MetaData())


@service.on(OrderCancelled, timeout=timedelta(minutes=5))
async def listen(event: OrderCancelled) -> None:
    """Do what the test is about."""
    print("handling", flush=True)
    match HOW:
        case "until-told":
            await asyncio.sleep(1)
        case "hangs":
            await asyncio.Event().wait()
        case "blocks":
            time.sleep(300)  # noqa: ASYNC251 - this is what the test is about
        case "deaf":
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    continue
    print("handled", flush=True)


if __name__ == "__main__":
    run(service)
