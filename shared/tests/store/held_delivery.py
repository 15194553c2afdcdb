"""A worker of its own, to be killed: `held_delivery.py URL hold` stops before COMMIT, `… run` goes on for ever."""

from __future__ import annotations

import asyncio
import sys

from farandole.store import Store
from sqlalchemy import Column, Integer, MetaData, Table, Text

metadata = MetaData()
holds = Table("holds", metadata, Column("order_id", Text, primary_key=True), Column("amount", Integer, nullable=False))


async def deliver(store: Store, number: int, *, hold: bool) -> None:
    async with store.delivery("s", str(number), 0, b"") as delivery:
        for part in "abc":
            await delivery.work.execute(holds.insert(), {"order_id": f"{number}.{part}", "amount": number})
        if hold:
            sys.stdout.write("held\n")
            sys.stdout.flush()
            await asyncio.Event().wait()
        await delivery.finish(())


async def main(url: str, what: str) -> None:
    store = Store(url, metadata=[metadata], service="payments")
    await store.open()
    number = 0
    while True:
        await deliver(store, number, hold=what == "hold")
        number += 1
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


asyncio.run(main(*sys.argv[1:]))
