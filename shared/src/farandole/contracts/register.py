"""Register: tells a registry every schema of a mesh, before the services that write them are deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from farandole.contracts.lock import LockLine
from farandole.errors import ContractError
from farandole.registry.id_map import IdMap, MappedId


class Registrar(Protocol):
    """A registry, as this step needs it."""

    async def find(self, subject: str, schema: Mapping[str, Any]) -> int | None:
        """Return the id of a schema that is registered under the subject, or None."""
        ...

    async def register(self, subject: str, schema: Mapping[str, Any]) -> int:
        """Register a schema under the subject, and return its id. Raises ContractError where it is refused."""
        ...

    async def demand_compatibility(self, subject: str) -> None:
        """Make the registry refuse versions of the subject that are not compatible with all others."""
        ...

    async def schema(self, schema_id: int) -> str | None:
        """Return the text of the schema with this id."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A version of an event type and what the registry calls it; ``id`` is None where it does not have it yet."""

    type: str
    version: int
    sha256: str
    id: int | None
    new: bool


async def plan(lines: Sequence[LockLine], registry: Registrar) -> tuple[Step, ...]:
    """Return what the registry has of the lock, and what it lacks. Changes nothing. Raises RegistryUnavailableError."""
    return tuple([_step(line, await registry.find(line.fullname, line.schema), new=False) for line in lines])


async def register(lines: Sequence[LockLine], registry: Registrar) -> tuple[Step, ...]:
    """Register every version of every type, oldest first, under its full name, with full transitive compatibility.

    What is there already stays as it is. Raises ContractError where the registry refuses a version or gives back
    another schema than it was given, and RegistryUnavailableError; what was registered before stays registered.
    """
    steps: list[Step] = []
    for fullname in sorted({line.fullname for line in lines}):
        await registry.demand_compatibility(fullname)
    for line in sorted(lines, key=lambda line: line.id):
        found = await registry.find(line.fullname, line.schema)
        wire_id = await registry.register(line.fullname, line.schema) if found is None else found
        await _demand_same(line, wire_id, registry)
        steps.append(_step(line, wire_id, new=found is None))
    return tuple(steps)


def id_map(steps: Sequence[Step]) -> IdMap:
    """Return the id map of what was registered."""
    rows = (one for one in steps if one.id is not None)
    return IdMap(
        ids=tuple(MappedId(id=one.id or 0, type=one.type, version=one.version, sha256=one.sha256) for one in rows)
    )


async def _demand_same(line: LockLine, wire_id: int, registry: Registrar) -> None:
    """Raise ContractError unless the id leads to the very schema: some registries take two that look alike for one."""
    text = await registry.schema(wire_id)
    try:
        same = text is not None and msgspec.json.decode(text) == line.schema
    except msgspec.DecodeError:
        same = False
    if not same:
        raise ContractError(
            f"the registry gives back another schema under id {wire_id} than version {line.version} of {line.fullname}",
            why="it takes two schemas for one that differ in what it does not look at, or changes what it is given",
            do="look at that id in the registry; readers would decode by the wrong schema",
            code="E262",
        )


def _step(line: LockLine, wire_id: int | None, *, new: bool) -> Step:
    return Step(type=line.fullname, version=line.version, sha256=line.sha256, id=wire_id, new=new)
