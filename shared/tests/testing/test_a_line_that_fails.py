"""The TCP proxy does to a connection what its fault says, no more, and is healthy again afterwards.

Each test talks through the proxy to an echo server, which answers a line with the same line and keeps a list of what
it heard: so a test can tell a request that never arrived from a reply that was lost on the way back. One test does the
same with a proxy in a process of its own, one with a real broker whose clients come through the proxy.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from farandole.errors import UsageError
from farandole.local.broker import Broker
from farandole.testing import CUT, HALF_OPEN, HEALTHY, STALLED, TcpFault, TcpProxy, lost_reply, slow
from farandole.testing.tcp_proxy_process import TcpProxyProcess

SOON = 5.0


@dataclass
class Echo:
    port: int
    heard: list[bytes] = field(default_factory=list)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                server.heard.append(line)
                writer.write(line)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**22)
    server = Echo(listening.sockets[0].getsockname()[1])
    yield server
    listening.close()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(to=echo.port) as started:
        yield started


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**22))

    async def asks(self, line: bytes, within: float = SOON) -> bytes:
        self.writer.write(line)
        return await asyncio.wait_for(self.reader.readline(), within)


async def test_a_line_that_ends_complains_of_nothing(
    echo: Echo, proxy: TcpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    client = await Client.of(proxy.port)
    assert await client.asks(b"hello\n") == b"hello\n"
    await proxy.suffer(CUT)
    while proxy.open:  # noqa: ASYNC110 - the proxy tells nobody
        await asyncio.sleep(0.01)
    gc.collect()
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_healthy_line_carries_both_ways_and_says_when_a_side_ends(echo: Echo, proxy: TcpProxy) -> None:
    client = await Client.of(proxy.port)
    large = b"x" * 1_000_000 + b"\n"

    assert await client.asks(b"hello\n") == b"hello\n"
    assert await client.asks(large) == large
    client.writer.write_eof()
    assert await asyncio.wait_for(client.reader.read(), SOON) == b""
    assert echo.heard == [b"hello\n", large]


async def test_a_cut_resets_what_is_open_refuses_what_is_new_and_keeps_the_port(echo: Echo, proxy: TcpProxy) -> None:
    client = await Client.of(proxy.port)
    await client.asks(b"hello\n")
    port = proxy.port

    await proxy.suffer(CUT)

    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(client.reader.read(), SOON)
    with pytest.raises(ConnectionRefusedError):
        await Client.of(port)
    with pytest.raises(OSError, match="in use"):
        await asyncio.start_server(lambda *_: None, "127.0.0.1", port, reuse_address=False)

    await proxy.suffer(HEALTHY)
    assert await (await Client.of(port)).asks(b"again\n") == b"again\n"


async def test_a_half_open_line_accepts_swallows_and_never_resets_until_it_heals(echo: Echo, proxy: TcpProxy) -> None:
    old = await Client.of(proxy.port)
    idle = await Client.of(proxy.port)
    await old.asks(b"hello\n")
    await idle.asks(b"idle\n")

    await proxy.suffer(HALF_OPEN)
    new = await Client.of(proxy.port)
    for each in (old, new):
        with pytest.raises(TimeoutError):
            await each.asks(b"lost\n", within=0.1)
    assert echo.heard == [b"hello\n", b"idle\n"]

    await proxy.suffer(HEALTHY)
    for each in (old, new):
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(each.reader.read(), SOON)
    assert await idle.asks(b"lost nothing\n") == b"lost nothing\n"


async def test_a_stalled_line_delivers_everything_late(echo: Echo, proxy: TcpProxy) -> None:
    client = await Client.of(proxy.port)
    await client.asks(b"hello\n")

    await proxy.suffer(STALLED)
    with pytest.raises(TimeoutError):
        await client.asks(b"late\n", within=0.1)
    assert echo.heard == [b"hello\n"]

    await proxy.suffer(HEALTHY)
    assert await asyncio.wait_for(client.reader.readline(), SOON) == b"late\n"


async def test_latency_delays_each_way_without_narrowing_and_ends_at_once(echo: Echo, proxy: TcpProxy) -> None:
    client = await Client.of(proxy.port)
    await proxy.suffer(slow(timedelta(milliseconds=100)))

    started = time.monotonic()
    for _ in range(5):
        client.writer.write(b"hello\n")
    for _ in range(5):
        await asyncio.wait_for(client.reader.readline(), SOON)
    took = time.monotonic() - started
    assert 0.2 <= took < 0.8

    await proxy.suffer(slow(timedelta(hours=1)))
    client.writer.write(b"held\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.reader.readline(), 0.05)
    await proxy.suffer(HEALTHY)
    assert await asyncio.wait_for(client.reader.readline(), SOON) == b"held\n"


async def test_a_narrow_line_takes_its_time(proxy: TcpProxy) -> None:
    client = await Client.of(proxy.port)
    await proxy.suffer(TcpFault(bytes_per_second=100_000))

    started = time.monotonic()
    assert len(await client.asks(b"x" * 29_999 + b"\n")) == 30_000
    assert time.monotonic() - started >= 0.3


async def test_a_lost_reply_is_one_to_a_request_that_was_carried_out(echo: Echo, proxy: TcpProxy) -> None:
    client = await Client.of(proxy.port)
    await client.asks(b"hello\n")

    await proxy.suffer(lost_reply())
    with pytest.raises(ConnectionResetError):
        await client.asks(b"done\n")

    assert echo.heard == [b"hello\n", b"done\n"]
    assert await (await Client.of(proxy.port)).asks(b"heard\n") == b"heard\n"
    assert proxy.fault == HEALTHY


async def test_a_reply_is_cut_after_the_bytes_that_were_asked_for(proxy: TcpProxy) -> None:
    client = await Client.of(proxy.port)
    await proxy.suffer(lost_reply(after=8, replies=2))

    assert await client.asks(b"seven!\n") == b"seven!\n"
    with suppress(ConnectionResetError):
        assert len(await client.asks(b"seven!\n")) < 7
    assert proxy.fault != HEALTHY


async def test_a_proxy_in_a_process_of_its_own_is_steered_by_lines(echo: Echo) -> None:
    async with TcpProxyProcess(to=echo.port) as proxy:
        client = await Client.of(proxy.port)
        assert await client.asks(b"hello\n") == b"hello\n"

        await proxy.suffer(CUT)
        with pytest.raises(ConnectionRefusedError):
            await Client.of(proxy.port)
        await proxy.suffer(HEALTHY)
        assert await (await Client.of(proxy.port)).asks(b"again\n") == b"again\n"

        with pytest.raises(UsageError, match="no such fault"):
            await proxy.suffer(TcpFault(line="bent"))  # type: ignore[arg-type]


def test_a_fault_survives_being_written_as_a_line() -> None:
    fault = TcpFault(there=timedelta(seconds=2), reply_bytes=10, replies=3)

    assert TcpFault.from_json(fault.to_json()) == fault
    assert TcpFault.from_json('{"line":"cut"}') == CUT
    assert TcpFault.from_json("{}") == HEALTHY
    with pytest.raises(TypeError):
        TcpFault.from_json('{"lines":"cut"}')


@pytest.mark.mesh
async def test_a_brokers_clients_behind_a_proxy_stay_behind_it(tmp_path: Path) -> None:
    async with TcpProxy() as proxy:
        broker = Broker(tmp_path / "broker", proxy=proxy.port)
        await broker.start()
        try:
            proxy.to = broker.proxied_port
            behind, direct = f"127.0.0.1:{proxy.port}", broker.bootstrap
            await asyncio.to_thread(_create, direct, "orders")
            assert await asyncio.to_thread(_acknowledged, behind, SOON) is True

            await proxy.suffer(CUT)
            assert await asyncio.to_thread(_acknowledged, behind, 1.0) is False
            assert await asyncio.to_thread(_acknowledged, direct, SOON) is True
        finally:
            await broker.stop()


def _create(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for made in admin.create_topics([NewTopic(topic, 1, 1)]).values():
        made.result(20)


def _acknowledged(bootstrap: str, within: float) -> bool:
    heard: list[bool] = []
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0, "message.timeout.ms": int(within * 1000)})
    producer.produce("orders", b"value", on_delivery=lambda error, _: heard.append(error is None))
    producer.flush(within + 5)
    return heard == [True]
