"""LatePartition: a proxy before a broker on which a partition comes into being between two batches for it.

The first batch for the partition is held until a second one is on its way; then it is answered "unknown partition",
as a broker does that has heard of the partition and not made it yet, and the second one reaches the broker.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from typing import Self

PRODUCE = 0
UNKNOWN_PARTITION = 3
FLEXIBLE_FROM = 9
LAST_WITH_NAMES = 12


class LatePartition:
    """Use it as an async context manager; ``holds`` is set while the first batch waits."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._host, self._port, self._topic = host, int(port), topic
        self._held: bytes | None = None
        self._over = False
        self._talks: set[asyncio.Task[None]] = set()
        self.holds = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self._own_port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self._own_port}"

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._port)
        pumps = [self._requests(reader, back, writer), self._answers(there, writer)]
        talks = [asyncio.create_task(pump) for pump in pumps]
        self._talks.update(talks)
        await asyncio.wait(talks, return_when=asyncio.FIRST_COMPLETED)
        for one in (writer, back):
            one.close()

    async def _requests(
        self, reader: asyncio.StreamReader, broker: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frame = await _frame(reader)
                if int.from_bytes(frame[4:6]) == PRODUCE and not self._over:
                    if self._held is None:
                        self._held = frame
                        self.holds.set()
                        continue
                    self._over = True
                    client.write(refusal(self._held, self._topic))
                broker.write(frame)

    async def _answers(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Pass answers on; where one names the broker's address, it names the proxy's."""
        theirs, ours = (b"127.0.0.1" + struct.pack(">i", port) for port in (self._port, self._own_port))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                client.write((await _frame(reader)).replace(theirs, ours))


async def _frame(reader: asyncio.StreamReader) -> bytes:
    size = await reader.readexactly(4)
    return size + await reader.readexactly(int.from_bytes(size))


def refusal(request: bytes, topic: str) -> bytes:
    """Return the answer to a produce request that says that partition 0 of the topic is unknown."""
    version, correlation = struct.unpack(">hi", request[6:12])
    assert version <= LAST_WITH_NAMES, f"this client produces by topic id (v{version}); teach the proxy"
    name = topic.encode()
    said = struct.pack(">ihqqq", 0, UNKNOWN_PARTITION, -1, -1, -1)
    if version < FLEXIBLE_FROM:
        details = struct.pack(">ih", 0, -1) if version == FLEXIBLE_FROM - 1 else b""
        body = struct.pack(">ih", 1, len(name)) + name + struct.pack(">i", 1) + said + details + bytes(4)
    else:
        nothing = b"\x01\x00\x00"  # no errors of records, no message, no tags
        body = b"\x00\x02" + bytes([len(name) + 1]) + name + b"\x02" + said + nothing + b"\x00" + bytes(4) + b"\x00"
    answer = struct.pack(">i", correlation) + body
    return struct.pack(">i", len(answer)) + answer
