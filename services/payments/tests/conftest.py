"""What needs locks is tested on a real SQLite file and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from farandole.testing.postgres import PostgreSQLServer

_numbers = count()


@pytest.fixture(scope="session")
def payments_postgresql() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'payments.db'}"
    server: PostgreSQLServer = request.getfixturevalue("payments_postgresql")
    return server.database(f"payments_{next(_numbers)}")
