"""Place: where a generation of a service's store is: a SQLite file, or a schema of a PostgreSQL database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from farandole.errors import StartError
from farandole.read_model import FIRST, Generation

PLAIN: Final = Generation(number=FIRST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where it is. ``path`` is SQLite's, None for a temporary one; ``schema`` PostgreSQL's, None for the usual one."""

    url: URL
    is_sqlite: bool
    path: Path | None
    schema: str | None


def place_of(url: str, service: str, generation: Generation) -> Place:
    """Return where a generation is. Raises StartError where the URL is none that a store can use."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unusable(service, "it is no database URL") from error
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite":
        path = None if parsed.database in (None, "", ":memory:") else Path(str(parsed.database))
        if path is not None:
            path = path.with_name(f"{generation.named(path.stem)}{path.suffix}")
        return Place(url=parsed, is_sqlite=True, path=path, schema=None)
    if backend in {"postgresql", "postgres"}:
        # Letters, digits and underscores, so that the name needs no quotes anywhere.
        plain = re.sub(r"\W", "_", service.lower(), flags=re.ASCII)
        schema = None if generation == PLAIN else f"{plain}_g{generation.number}"
        return Place(url=parsed.set(drivername="postgresql+psycopg"), is_sqlite=False, path=None, schema=schema)
    raise _unusable(service, f"{backend} is neither SQLite nor PostgreSQL")


def _unusable(service: str, why: str) -> StartError:
    return StartError(
        f"{service} cannot use the URL of its database",
        why=why,
        do="give it as sqlite:///path/to/file.db or postgresql://user:password@host/database",
        code="E124",
    )
