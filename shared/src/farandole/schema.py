"""EventSchema: one version of one event type, and the catalogue that finds it by id or by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec

from farandole.errors import ContractError, UnknownSchemaError

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""An Avro ``int``: 32 bits, signed. The codec refuses anything wider, in both directions."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EventSchema:
    """One version of one event type.

    ``id`` is the 4-byte schema id on the wire where no registry gives another, ``fullname`` the Avro full name (also
    the CloudEvents type),
    ``topic`` the domain topic that carries it, ``key`` the field that is the Kafka key, ``avsc`` the whole schema.
    """

    id: int
    name: str
    fullname: str
    topic: str
    key: str
    version: int
    avsc: Mapping[str, Any]


class SchemaSource(Protocol):
    """Where a writer's schema is found by the id on the wire."""

    def by_id(self, schema_id: int) -> EventSchema:
        """Return the schema, from memory.

        Raises UnknownSchemaError (nobody knows it) or RegistryUnavailableError (it has yet to be learnt).
        """
        ...

    async def learn(self, schema_id: int) -> None:
        """Make sure that `by_id` knows the schema from now on, whoever has to be asked for it.

        Raises UnknownSchemaError (nobody knows it) or RegistryUnavailableError (who may know it does not answer).
        """
        ...

    def id_of(self, schema: EventSchema) -> int:
        """Return the id under which events of this schema are written. Raises ContractError where it has none."""
        ...


VersionKey = tuple[str, int]
"""The full name of an event type, and the version of its schema."""


class Catalogue:
    """Every schema of a lock file, by id and by name. Read-only once built; safe to share between threads."""

    def __init__(self, schemas: Iterable[EventSchema], *, ids: Mapping[VersionKey, int] | None = None) -> None:
        """Take the schemas; with ``ids`` their ids on the wire are these, and a version that has none is not read."""
        self._by_id: dict[int, EventSchema] = {}
        self._latest: dict[str, EventSchema] = {}
        self._ids = ids
        for schema in schemas:
            wire_id = schema.id if ids is None else ids.get((schema.fullname, schema.version))
            if wire_id is not None:
                self._by_id[wire_id] = schema if wire_id == schema.id else replace(schema, id=wire_id)
            known = self._latest.get(schema.fullname)
            if known is None or known.version < schema.version:
                self._latest[schema.fullname] = schema

    @classmethod
    def from_lock(cls, path: Path) -> Catalogue:
        """Read an ``ids.lock``: JSON lines, one a schema version, append-only."""
        lines = path.read_text(encoding="utf-8").splitlines()
        return cls(
            EventSchema(
                id=row["id"],
                name=row["schema"]["name"],
                fullname=f"{row['schema']['namespace']}.{row['schema']['name']}",
                topic=row["topic"],
                key=row["schema"]["key"],
                version=row["version"],
                avsc=row["schema"],
            )
            for row in map(json.loads, filter(None, lines))
        )

    def __iter__(self) -> Iterator[EventSchema]:
        """Iterate the latest version of every event type."""
        return iter(self._latest.values())

    def __getitem__(self, name: str) -> EventSchema:
        """Return the latest version of a type by its full name or, where that is unique, its short name."""
        found = [s for s in self._latest.values() if name in (s.fullname, s.name)]
        if len(found) != 1:
            raise ContractError(
                f"no single event type is called {name}",
                why=f"the catalogue knows {', '.join(sorted(s.name for s in self)) or 'none'}",
                do="name an event type by its full name",
                code="E201",
            )
        return found[0]

    def by_id(self, schema_id: int) -> EventSchema:
        """Return the schema with this wire id, or raise UnknownSchemaError."""
        try:
            return self._by_id[schema_id]
        except KeyError:
            raise UnknownSchemaError(
                f"schema id {schema_id} is unknown",
                why="the record was written with a schema that this service was not built with",
                do="farandole contracts check   then deploy the service with the newer ids.lock, and redrive",
            ) from None

    def __contains__(self, schema_id: int) -> bool:
        """Tell whether `by_id` knows the id."""
        return schema_id in self._by_id

    async def learn(self, schema_id: int) -> None:
        """Raise UnknownSchemaError where the id is not known: there is nobody else to ask."""
        self.by_id(schema_id)

    def id_of(self, schema: EventSchema) -> int:
        """Return the id under which events of this schema are written. Raises ContractError where it has none."""
        wire_id = schema.id if self._ids is None else self._ids.get((schema.fullname, schema.version))
        if wire_id is None:
            raise ContractError(
                f"version {schema.version} of {schema.name} has no id in the registry",
                why="the id map does not name it, and a service registers nothing itself",
                do="farandole contracts register   with the schemas of this version, before it is deployed",
                code="E213",
            )
        return wire_id

    @property
    def versions(self) -> tuple[EventSchema, ...]:
        """Every version of every type, by id."""
        return tuple(self._by_id[schema_id] for schema_id in sorted(self._by_id))

    @property
    def topics(self) -> tuple[str, ...]:
        """The domain topics of all types, sorted."""
        return tuple(sorted({schema.topic for schema in self}))
