"""What a registry said is remembered: for ever where it has the schema, for a minute where it has none.

Ids are given once, so a schema never changes; one that is lacking now may be registered in a moment. A thousand records
of one new version ask once. Records that name ids at random, which anybody who may write to a topic can send, cost a
bounded memory; and while the registry is away they do not wait in a row for the same answer.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from farandole.errors import ContractError, RegistryUnavailableError, UnknownSchemaError
from farandole.registry import RegistrySource
from farandole.registry.source import AWAY_FOR, MOST_UNKNOWN, UNKNOWN_FOR
from farandole.schema import Catalogue
from farandole.testing import ManualClock
from farandole_events import CATALOGUE, OrderCancelled

TEXT = json.dumps(OrderCancelled.avro.avsc)


class Asked:
    """A registry that counts, and says what it is told to, when it is let."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.schemas: dict[int, str] = {}
        self.error: Exception | None = None
        self.let = asyncio.Event()
        self.let.set()
        self.at_once = self.most_at_once = 0

    async def schema(self, schema_id: int) -> str | None:
        self.ids.append(schema_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.let.wait()
        finally:
            self.at_once -= 1
        if self.error is not None:
            raise self.error
        return self.schemas.get(schema_id)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def source(asked: Asked, clock: ManualClock) -> RegistrySource:
    return RegistrySource(CATALOGUE, asked, clock)


def later(clock: ManualClock, duration: timedelta) -> None:
    clock.move_to(clock.now() + duration)


async def test_what_is_installed_is_never_asked_for(source: RegistrySource, asked: Asked) -> None:
    await source.learn(OrderCancelled.avro.id)
    assert source.by_id(OrderCancelled.avro.id) is OrderCancelled.avro
    assert asked.ids == []


async def test_a_schema_is_asked_for_once_and_for_ever(source: RegistrySource, asked: Asked, clock) -> None:
    asked.schemas[7_001] = TEXT
    with pytest.raises(RegistryUnavailableError):
        source.by_id(7_001)
    await source.learn(7_001)
    later(clock, timedelta(days=3_650))
    await source.learn(7_001)
    assert source.by_id(7_001).fullname == OrderCancelled.avro.fullname
    assert asked.ids == [7_001]


async def test_a_thousand_who_wait_for_one_schema_ask_once_also_when_the_first_gives_up(source, asked) -> None:
    asked.schemas[7_001] = TEXT
    asked.let.clear()
    waiting = [asyncio.ensure_future(source.learn(7_001)) for _ in range(1_000)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    asked.let.set()
    await asyncio.gather(*waiting[1:])
    assert waiting[0].cancelled()
    assert asked.ids == [7_001]


async def test_that_there_is_none_is_believed_for_a_minute(source, asked, clock) -> None:
    for _ in range(3):
        with pytest.raises(UnknownSchemaError):
            await source.learn(7_001)
    assert asked.ids == [7_001]
    asked.schemas[7_001] = TEXT
    later(clock, UNKNOWN_FOR)
    await source.learn(7_001)
    assert source.by_id(7_001).id == 7_001


async def test_a_schema_that_is_not_to_be_used_is_unknown_with_the_reason(source, asked) -> None:
    asked.schemas[7_001] = '{"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]}'
    with pytest.raises(UnknownSchemaError) as refused:
        await source.learn(7_001)
    assert "recurses" in refused.value.why
    asked.error = ContractError("cannot be read", why="it has more than a few bytes")
    with pytest.raises(UnknownSchemaError) as refused:
        await source.learn(7_002)
    assert refused.value.why == "it has more than a few bytes"


async def test_ids_at_random_cost_a_bounded_memory(source, asked) -> None:
    for schema_id in range(7_000, 7_000 + MOST_UNKNOWN + 200):
        with pytest.raises(UnknownSchemaError):
            await source.learn(schema_id)
    assert len(source._unknown) == MOST_UNKNOWN
    assert not source._asking
    assert not source._learnt


async def test_few_are_asked_for_at_once_and_an_absence_is_told_to_all_who_wait(source, asked, clock) -> None:
    asked.let.clear()
    asked.error = RegistryUnavailableError("the registry does not answer")
    waiting = [asyncio.ensure_future(source.learn(schema_id)) for schema_id in range(7_000, 7_100)]
    for _ in range(5):
        await asyncio.sleep(0)
    asked.let.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, RegistryUnavailableError) for answer in answers)
    assert asked.most_at_once == len(asked.ids) == 4
    later(clock, AWAY_FOR)
    asked.error, asked.schemas[7_000] = None, TEXT
    await source.learn(7_000)


async def test_without_a_registry_an_unknown_id_is_unknown_at_once() -> None:
    with pytest.raises(UnknownSchemaError):
        await Catalogue([]).learn(7_001)
