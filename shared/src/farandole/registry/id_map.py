"""IdMap: which id a registry gave to each version of each event type; a deploy step writes it, services read it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from farandole.avro_schema import digest
from farandole.errors import StartError
from farandole.schema import Catalogue, EventSchema


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedId:
    """The registry's ``id`` of a version of an event type; ``sha256`` is of the whole schema, as in ``ids.lock``."""

    id: int
    type: str
    version: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IdMap:
    """The ids of one registry. The id that it gives a version is the one on the wire, not that of ``ids.lock``."""

    ids: tuple[MappedId, ...]

    @classmethod
    def read(cls, path: Path) -> IdMap:
        """Read an id map. Raises StartError where there is none, or it is broken."""
        try:
            rows: Any = json.loads(path.read_text(encoding="utf-8"))["ids"]
            ids = tuple(MappedId(**{field.name: row[field.name] for field in fields(MappedId)}) for row in rows)
        except (OSError, ValueError, KeyError, TypeError) as broken:
            raise _broken(path, f"{type(broken).__name__}: {broken}") from broken
        for one in ids:
            if not _fits(one.id):
                raise _broken(path, f"{one.id!r} is no id of 4 bytes")
        return cls(ids=ids)

    def text(self) -> str:
        """Render the map: one JSON document, an id a line, in order."""
        rows = ",\n".join(f"  {json.dumps(asdict(one))}" for one in sorted(self.ids, key=lambda one: one.id))
        return f'{{"ids": [\n{rows}\n]}}\n'

    def write(self, path: Path) -> None:
        """Write the map whole, so that no reader ever finds half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arriving = path.with_name(f".{path.name}.arriving")
        arriving.write_text(self.text(), encoding="utf-8")
        arriving.replace(path)

    def applied(self, schemas: Iterable[EventSchema]) -> Catalogue:
        """Return a catalogue of the schemas under the ids of this map.

        Versions that the map does not name are not read by id, and cannot be written. Raises StartError where it names
        a version that is another schema here: it was written for another ``ids.lock``.
        """
        known = list(schemas)
        named = {(one.type, one.version): one for one in self.ids}
        for schema in known:
            mapped = named.get((schema.fullname, schema.version))
            if mapped is not None and mapped.sha256 != digest(schema.avsc):
                raise StartError(
                    f"the id map names another version {schema.version} of {schema.fullname}",
                    why="its schema is not the one that this service was built with",
                    do="farandole contracts register   with this version's ids.lock, and FARANDOLE_REGISTRY_IDS set to "
                    "what it writes",
                    code="E150",
                )
        return Catalogue(known, ids={key: one.id for key, one in named.items()})


def _fits(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32


def _broken(path: Path, why: str) -> StartError:
    return StartError(
        f"{path} is no id map",
        why=why,
        do="farandole contracts register   writes one; FARANDOLE_REGISTRY_IDS is its path",
        code="E150",
    )
