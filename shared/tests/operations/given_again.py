"""Records to be given to a service again, as the tests of this folder make them; run as a process, it sends them.

``python given_again.py BOOTSTRAP SERVICE OPERATION COUNT``: takes an operation up where it was interrupted (or begins
it), and says after each batch how many it sent.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

from farandole.delivery import Coordinates, Record
from farandole.envelope import Envelope
from farandole.kafka.connection import Connection
from farandole.operations import AuditTopic, Began, Operation, Redelivery, Resumed, Sending, recorded

AT_ONCE = 20


def operation(id_: str, service: str) -> Operation:
    return Operation(
        id=id_, kind="replay", service=service, who="ada@engine", why="a bug was fixed", at=datetime.now(UTC)
    )


def sending(number: int, *, topic: str = "orders", key: bytes | None = None, **other: Any) -> Sending:
    """The record at offset ``number``; every seventh has the same key."""
    origin = Coordinates(topic=topic, partition=number % 3, offset=number)
    key = b"%d" % (number % 7) if key is None else key
    return Sending(
        record=Record(
            coordinates=origin,
            key=key,
            value=b"value %d" % number,
            headers=(("ce_id", b"e%d" % number), ("farandole_attempt", b"999"), ("team", b"blue"), ("team", b"green")),
            appended=datetime.now(UTC),
        ),
        envelope=Envelope(
            id=f"e{number}",
            type="orders.OrderPlaced",
            source="shop",
            subject="",
            time="2026-11-23T00:00:00.000Z",
            correlation_id="f",
        ),
        origin=origin,
        **other,
    )


async def send_all(bootstrap: str, service: str, id_: str, count: int) -> None:
    connection = Connection(bootstrap=bootstrap, client_id="given-again")
    this = operation(id_, service)
    async with AuditTopic(connection) as topic, Redelivery(connection, service=service, operation=id_) as redelivery:
        began = await topic.read(Began, operation=id_)
        marks = began[0].record.marks if began else await redelivery.marks()
        if began:
            await topic.append(Resumed(operation=id_, at=this.at, who=this.who))
        async with recorded(topic, this, marks=marks, resumes=bool(began)) as receipt:
            sent = await redelivery.sent(marks)
            left = [one for one in map(sending, range(count)) if not sent.has(one.origin)]
            for first in range(0, len(left), AT_ONCE):
                await redelivery.send(left[first : first + AT_ONCE])
                print(first + AT_ONCE, flush=True)
            receipt.counts["sent"] = len(left)


if __name__ == "__main__":
    asyncio.run(send_all(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
