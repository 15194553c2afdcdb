"""Lock: ``ids.lock``, the append-only list of every schema version and its id on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farandole.avro_schema import digest
from farandole.contracts.folder import SchemaFile
from farandole.errors import ContractError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LockLine:
    """One line of ``ids.lock``: a schema version, its id and the hash of the whole schema."""

    id: int
    topic: str
    version: int
    sha256: str
    schema: Mapping[str, Any]

    @property
    def fullname(self) -> str:
        """The Avro full name of the event type."""
        return f"{self.schema['namespace']}.{self.schema['name']}"

    def text(self) -> str:
        """Render the line, without its line end."""
        row = {
            "id": self.id,
            "topic": self.topic,
            "version": self.version,
            "sha256": self.sha256,
            "schema": self.schema,
        }
        return json.dumps(row, ensure_ascii=False)


def read_lock(text: str) -> tuple[LockLine, ...]:
    """Read the lines of an ``ids.lock``, or raise ContractError naming the line that is broken."""
    lines: list[LockLine] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            lines.append(LockLine(**{name: row[name] for name in ("id", "topic", "version", "sha256", "schema")}))
        except (ValueError, KeyError, TypeError) as broken:
            raise ContractError(
                f"line {number} of ids.lock is broken",
                why=f"{type(broken).__name__}: {broken}",
                do="restore ids.lock from version control; its lines are never edited by hand",
                code="E221",
            ) from None
    return tuple(lines)


def latest(lines: Iterable[LockLine]) -> dict[str, LockLine]:
    """Return the latest version of every event type, by full name."""
    newest: dict[str, LockLine] = {}
    for line in lines:
        known = newest.get(line.fullname)
        if known is None or known.version < line.version:
            newest[line.fullname] = line
    return newest


def additions(files: Iterable[SchemaFile], lines: Sequence[LockLine]) -> tuple[LockLine, ...]:
    """Return the lines to append so that the lock holds every schema of ``files`` as its type's latest version.

    Ids go up by one from the highest that was ever given. A schema changed back to an older version gets a new line
    as well: the latest line is the schema in force.
    """
    known = latest(lines)
    next_id = max((line.id for line in lines), default=0) + 1
    added: list[LockLine] = []
    for file in files:
        before = known.get(file.fullname)
        sha = digest(file.avsc)
        if before is not None and before.sha256 == sha:
            continue
        version = 1 if before is None else before.version + 1
        line = LockLine(id=next_id, topic=file.topic, version=version, sha256=sha, schema=file.avsc)
        added.append(line)
        next_id += 1
    return tuple(added)
