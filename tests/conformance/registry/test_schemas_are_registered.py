"""The step before a deployment: the registry is told every schema of the mesh, and what it calls them is written down.

Services register nothing, so whatever they write must be there before them, under an id that leads back to the very
schema; what breaks a former version has to be refused here, and not be found by a reader.
"""

from __future__ import annotations

import copy
import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from farandole.clock import SystemClock
from farandole.codec import Codec
from farandole.contracts.lock import LockLine, read_lock
from farandole.contracts.register import id_map, plan, register
from farandole.errors import ContractError
from farandole.registry import IdMap, RegistrySource, connect
from farandole.schema import Catalogue
from farandole_events import CATALOGUE, OrderCancelled

PATIENT = timedelta(seconds=30)
SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"

pytestmark = pytest.mark.timeout(300)  # the first run may have to fetch the registry


def lock_under(namespace: str) -> tuple[LockLine, ...]:
    """Return the lock of the mesh, its events in a namespace of their own: the registry outlives the test."""
    text = (SCHEMAS / "ids.lock").read_text("utf-8").replace('"namespace": "farandole.', f'"namespace": "{namespace}.')
    return read_lock(text)


@pytest.fixture
def lines() -> tuple[LockLine, ...]:
    return lock_under(f"n{uuid.uuid4().hex[:8]}")


def moved(*fields: dict[str, Any], namespace: str) -> dict[str, Any]:
    first = {"name": "move_id", "type": "string"}
    return {"type": "record", "name": "Moved", "namespace": namespace, "key": "move_id", "fields": [first, *fields]}


async def test_every_schema_of_the_mesh_gets_an_id_that_leads_back_to_it(registry, lines) -> None:
    async with connect(registry.url, answer_within=PATIENT) as there:
        steps = await register(lines, there)
        assert len(steps) == len(lines) > 20
        assert all(step.new for step in steps)
        assert len({step.id for step in steps}) == len(steps)
        source = RegistrySource(Catalogue([]), there, SystemClock())
        for step, line in zip(steps, lines, strict=True):
            await source.learn(step.id)
            assert source.by_id(step.id).fullname == line.fullname == step.type
            assert json.loads(await there.schema(step.id)) == line.schema


async def test_a_second_time_nothing_is_new_and_the_ids_are_the_same(registry, lines) -> None:
    async with connect(registry.url, answer_within=PATIENT) as there:
        first = await register(lines[:5], there)
        second = await register(lines[:5], there)
        assert not any(step.new for step in second)
        assert [step.id for step in second] == [step.id for step in first]


async def test_a_plan_registers_nothing_and_says_what_is_lacking(registry, lines) -> None:
    async with connect(registry.url, answer_within=PATIENT) as there:
        assert [step.id for step in await plan(lines[:5], there)] == [None] * 5
        await register(lines[:2], there)
        lacking = [step for step in await plan(lines[:5], there) if step.id is None]
        assert len(lacking) == 3


async def test_a_version_that_breaks_a_former_one_is_refused_and_one_that_does_not_is_taken(registry) -> None:
    namespace = f"n{uuid.uuid4().hex[:8]}"
    subject = f"{namespace}.Moved"
    weight = {"name": "weight", "type": "int", "default": 0}
    async with connect(registry.url, answer_within=PATIENT) as there:
        await there.demand_compatibility(subject)
        first = await there.register(subject, moved(namespace=namespace))
        second = await there.register(subject, moved(weight, namespace=namespace))
        assert first != second
        broken = copy.deepcopy(weight)
        del broken["default"]
        broken["name"] = "height"
        with pytest.raises(ContractError) as refused:
            await there.register(subject, moved(weight, broken, namespace=namespace))
        assert refused.value.code == "E261"


async def test_events_are_written_and_read_under_the_ids_of_the_map(registry, tmp_path: Path) -> None:
    lines = read_lock((SCHEMAS / "ids.lock").read_text("utf-8"))
    path = tmp_path / "registry-ids.json"
    async with connect(registry.url, answer_within=PATIENT) as there:
        steps = await register(lines, there)
        id_map(steps).write(path)
        codec = Codec(IdMap.read(path).applied(CATALOGUE.versions))
        event = OrderCancelled(order_id="o-1", customer_id="c-1", reason="changed his mind", cause="customer")
        value = codec.encode(event)
        mine = next(step for step in steps if step.type == OrderCancelled.avro.fullname)
        assert int.from_bytes(value[1:5], "big") == mine.id
        assert codec.decode(value, OrderCancelled) == event
