"""Who works on a service at present is known to every terminal, and forgotten soon after a holder that was killed.

The holder that is killed is a real process, on a real Redis.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from farandole.errors import LedgerUnavailableError, OperationError
from farandole.operations import Lease, holder
from given_again import operation

SHORT = timedelta(milliseconds=700)
HOLD = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from datetime import timedelta
from farandole.operations import Lease
from given_again import operation
async def hold():
    mine = operation("op-1", sys.argv[3])
    async with Lease(sys.argv[2], cluster="c", operation=mine, lasts=timedelta(milliseconds=700)):
        print("held", flush=True)
        await asyncio.Event().wait()
asyncio.run(hold())
"""


@pytest.fixture
def service() -> str:
    return f"svc{uuid.uuid4().hex[:8]}"


def lease(backend, service: str, id_: str = "op-2") -> Lease:
    return Lease(backend.redis_url, cluster="c", operation=operation(id_, service), lasts=SHORT)


async def test_a_second_terminal_is_told_who_is_at_it(backend, service):
    async with lease(backend, service):
        with pytest.raises(OperationError) as busy:
            async with lease(backend, service, "op-3"):
                pytest.fail("both had it")
        assert busy.value.code == "E512"
        assert "ada@engine" in busy.value.why
        found = await holder(backend.redis_url, cluster="c", service=service)
        assert found is not None
        assert found.id == "op-2"
        async with lease(backend, f"{service}x"):
            pass
    async with lease(backend, service, "op-3"):
        pass
    assert await holder(backend.redis_url, cluster="c", service=service) is None


async def test_it_is_kept_for_as_long_as_its_holder_works(backend, service):
    async with lease(backend, service):
        end = time.monotonic() + 2 * SHORT.total_seconds()
        while time.monotonic() < end:
            assert await holder(backend.redis_url, cluster="c", service=service) is not None
            await asyncio.sleep(0.1)


async def test_it_ends_with_a_holder_that_is_killed(backend, service):
    arguments = [sys.executable, "-c", HOLD, str(Path(__file__).parent), backend.redis_url, service]
    process = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(OperationError):
        async with lease(backend, service):
            pytest.fail("both had it")
    process.kill()
    await process.wait()
    end = time.monotonic() + 10
    while await holder(backend.redis_url, cluster="c", service=service) is not None:
        assert time.monotonic() < end, "it outlives its holder"
        await asyncio.sleep(0.05)
    async with lease(backend, service):
        pass


async def test_a_redis_that_is_away_is_told():
    with pytest.raises(LedgerUnavailableError):
        async with Lease("redis://127.0.0.1:1/0", cluster="c", operation=operation("op-1", "payments")):
            pytest.fail("nobody can have given it")
