"""The PostgreSQL of the tests keeps its data while it is used, and ends with whoever started it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from farandole.testing.postgres import PostgreSQLServer
from psycopg.conninfo import conninfo_to_dict

STARTER = """
import sys, time
from farandole.testing.postgres import PostgreSQLServer
server = PostgreSQLServer()
server.start()
print(server.database("one"), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", [PostgreSQLServer.stop, PostgreSQLServer.crash])
def test_a_server_that_ended_starts_again_with_its_data(end: Callable[[PostgreSQLServer], None]):
    with PostgreSQLServer() as server:
        url = server.database("one")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        end(server)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)
        folder = Path(str(conninfo_to_dict(url)["host"]))
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


async def test_a_server_whose_starter_is_killed_ends_too():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
    psycopg.connect(url).close()
    process.send_signal(signal.SIGKILL)
    await process.wait()

    folder = Path(str(conninfo_to_dict(url)["host"]))
    until = monotonic() + 20
    while folder.exists() and monotonic() < until:  # noqa: ASYNC110, ASYNC240 - nobody tells us when a folder goes
        await asyncio.sleep(0.05)
    assert not folder.exists()  # noqa: ASYNC240
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
