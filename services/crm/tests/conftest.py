"""What needs locks is tested on a real SQLite file and on a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from farandole.testing.postgres import PostgreSQLServer


@pytest.fixture(scope="session")
def crm_postgresql() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture
def postgresql_url(crm_postgresql: PostgreSQLServer) -> str:
    return crm_postgresql.database(f"crm_{uuid.uuid4().hex}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'crm.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url
