"""A service in a process of its own, as its author would start it: it writes down the orders that it heard of."""

from __future__ import annotations

import os
from pathlib import Path

from farandole import Service
from farandole.runner import run
from farandole_events import OrderCancelled

service = Service("registry-reader")


@service.on(OrderCancelled)
def listen(cancelled: OrderCancelled) -> None:
    """Note the order and the reason, a line each."""
    with Path(os.environ["HEARD"]).open("a", encoding="utf-8") as heard:
        heard.write(f"{cancelled.order_id} {cancelled.reason}\n")


if __name__ == "__main__":
    run(service)
