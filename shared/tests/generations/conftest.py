"""A small read model, on SQLite and on PostgreSQL, and what the tests of its generations share."""

from __future__ import annotations

import sys
from collections.abc import Generator
from itertools import count
from pathlib import Path

import pytest
from farandole.testing.postgres import PostgreSQLServer

# pytest's importlib mode puts no folder on the path, and the tests here share a module.
sys.path.insert(0, str(Path(__file__).parent))

_numbers = count()


@pytest.fixture(scope="session")
def postgresql() -> Generator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tally.db'}"
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    return server.database(f"tally_{next(_numbers)}")
