"""A service meets schema ids that only the registry knows, while the line to it is good, slow, cut or half-open.

What the registry knows is read, what nobody knows becomes a dead letter, and as long as the registry cannot be asked
the record waits: nothing is given up for its absence, what needs no question goes on, and the event loop never stands
still.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

import pytest
from farandole import Service
from farandole.clock import SystemClock
from farandole.codec import Codec
from farandole.engine.ports import Message
from farandole.envelope import Envelope
from farandole.errors import RegistryUnavailableError, UnknownSchemaError
from farandole.event import Event
from farandole.registry import RegistrySource, connect
from farandole.schema import Catalogue, EventSchema
from farandole.testing import Harness
from farandole.testing.tcp_fault import CUT, HALF_OPEN, HEALTHY, slow

pytestmark = pytest.mark.timeout(300)

LIMIT = timedelta(seconds=1)
PATIENT = timedelta(seconds=30)
"""Where the answer matters, and not when it comes: the machine may be busy."""
NOBODYS = 2_000_000_000
INSTALLED = 1_900_000_000
"""The id of what the service was built with; as from an id map, no other schema of the registry has it."""


class Moved(Event, frozen=True, kw_only=True):
    """It moved, as this service was built to read it."""

    avro: ClassVar[EventSchema]
    move_id: str


def moved_class(namespace: str) -> type[Moved]:
    avsc = {"type": "record", "name": "Moved", "namespace": namespace, "key": "move_id"}
    avro = EventSchema(
        id=INSTALLED,
        name="Moved",
        fullname=f"{namespace}.Moved",
        topic="moves",
        key="move_id",
        version=1,
        avsc={**avsc, "fields": [{"name": "move_id", "type": "string"}]},
    )
    return type("Moved", (Moved,), {"avro": avro, "__annotations__": {}}, frozen=True, kw_only=True)


@pytest.fixture
def kind() -> type[Moved]:
    return moved_class(f"n{uuid.uuid4().hex[:8]}.moves")


async def newer(there, kind: type[Moved]) -> int:
    """Register the version that some other service already writes, and return its id."""
    weight = {"name": "weight", "type": "int", "default": 0}
    schema = {**kind.avro.avsc, "fields": [*kind.avro.avsc["fields"], weight]}
    return await there.register(kind.avro.fullname, schema)


def written(kind: type[Moved], schema_id: int, move_id: str, *, headers: bool = True) -> Message:
    name = move_id.encode()
    value = b"\0" + schema_id.to_bytes(4, "big") + bytes([2 * len(name)]) + name + b"\x0e"
    envelope = Envelope(
        id=move_id, type=kind.avro.fullname, source="test", subject=move_id, time="", correlation_id=move_id
    )
    return Message(topic="moves", key=name, value=value, headers=envelope.headers() if headers else ())


def listening(kind: type[Moved]) -> tuple[Service, list[str]]:
    heard: list[str] = []
    service = Service("mover")

    async def listen(event: Moved) -> None:
        heard.append(event.move_id)

    listen.__annotations__["event"] = kind
    service.on(kind)(listen)
    return service, heard


async def until(harness: Harness, condition: Callable[[], bool]) -> None:
    """Let time pass, for the service and for the registry, until the condition holds."""
    async with asyncio.timeout(60):
        while not condition():
            await harness.advance(timedelta(seconds=5))
            await asyncio.sleep(0.05)


async def test_a_version_that_only_the_registry_knows_is_read_and_one_that_nobody_knows_is_dead(proxied, kind) -> None:
    service, heard = listening(kind)
    async with connect(proxied.url, answer_within=PATIENT) as there:
        schema_id = await newer(there, kind)
        source = RegistrySource(Catalogue([kind.avro]), there, SystemClock())
        async with Harness(service, schemas=source) as harness:
            await harness.deliver_record(written(kind, schema_id, "a"))
            await harness.deliver_record(written(kind, schema_id, "b", headers=False))
            await harness.deliver_record(written(kind, NOBODYS, "c"))
            await harness.deliver_record(written(kind, NOBODYS, "d", headers=False))
            assert heard == ["a", "b"]
            assert [one.key for one in harness.dead_letters] == [b"c", b"d"]
            assert harness.broker.committed["mover", "moves"] == 4


@pytest.mark.parametrize("fault", [CUT, HALF_OPEN], ids=["cut", "half-open"])
@pytest.mark.parametrize("headers", [True, False], ids=["typed", "bare"])
async def test_while_it_cannot_be_asked_the_record_waits_and_others_go_on(
    registry, proxied, kind, fault, headers
) -> None:
    service, heard = listening(kind)
    async with connect(registry.url, answer_within=PATIENT) as direct:
        schema_id = await newer(direct, kind)
    async with connect(proxied.url, answer_within=LIMIT) as there:
        source = RegistrySource(Catalogue([kind.avro]), there, SystemClock())
        async with Harness(service, schemas=source) as harness:
            await proxied.proxy.suffer(fault)
            await harness.deliver_record(written(kind, schema_id, "waits", headers=headers))
            await harness.deliver_record(written(kind, NOBODYS, "nobody's", headers=headers))
            await harness.deliver(kind(move_id="known"))
            # The partition is paused; what is needed no question for is fetched between two tries.
            await harness.advance(timedelta(seconds=12))
            assert heard == ["known"]
            assert not harness.dead_letters
            assert not harness.retries
            assert harness.broker.committed.get(("mover", "moves"), 0) == 0
            await proxied.proxy.suffer(HEALTHY)
            await until(harness, lambda: len(heard) == 2 and len(harness.dead_letters) == 1)
            assert heard == ["known", "waits"]
            assert [one.key for one in harness.dead_letters] == [b"nobody's"]
            assert harness.broker.committed["mover", "moves"] == 3


@pytest.mark.parametrize("fault", [CUT, HALF_OPEN], ids=["cut", "half-open"])
async def test_a_question_ends_in_time_and_says_that_the_registry_is_away(proxied, fault) -> None:
    async with connect(proxied.url, answer_within=LIMIT) as there:
        await proxied.proxy.suffer(fault)
        before = time.monotonic()
        with pytest.raises(RegistryUnavailableError):
            await there.schema(1)
        assert time.monotonic() - before < LIMIT.total_seconds() + 1


async def test_a_slow_line_costs_one_wait_for_each_id_and_the_loop_goes_on_meanwhile(proxied, kind) -> None:
    async with connect(proxied.url, answer_within=PATIENT) as there:
        schema_id = await newer(there, kind)
        await proxied.proxy.suffer(slow(timedelta(milliseconds=250)))
        source = RegistrySource(Catalogue([kind.avro]), there, SystemClock())
        codec = Codec(source)
        value = written(kind, schema_id, "a").value
        accepted = proxied.proxy.accepted
        asking = [asyncio.ensure_future(codec.learn(value)) for _ in range(50)]
        turns = 0
        while not all(one.done() for one in asking):
            await asyncio.sleep(0.005)
            turns += 1
        assert proxied.proxy.accepted == accepted + 1
        assert turns > 20
        before = time.monotonic()
        await codec.learn(value)
        assert codec.decode(value, kind) == kind(move_id="a")
        assert time.monotonic() - before < 0.2


async def test_what_nobody_knows_is_told_so_by_the_registry_itself(proxied) -> None:
    async with connect(proxied.url, answer_within=PATIENT) as there:
        source = RegistrySource(Catalogue([]), there, SystemClock())
        with pytest.raises(UnknownSchemaError, match=str(NOBODYS)):
            await source.learn(NOBODYS)
        with pytest.raises(UnknownSchemaError):
            source.by_id(NOBODYS)
