"""``python -m farandole_sandbox.storm.by_hand``: the consumer by hand, until it is ended."""

from __future__ import annotations

import asyncio
import os

from farandole_sandbox.storm.by_hand.consumer import consume
from farandole_sandbox.storm.by_hand.settings import from_environment

if __name__ == "__main__":
    settings, environment = from_environment(), os.environ
    asyncio.run(
        consume(settings, brokers=environment["FARANDOLE_BROKERS"], gateway=environment["FARANDOLE_URL_SANDBOX"])
    )
