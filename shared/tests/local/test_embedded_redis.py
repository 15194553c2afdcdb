"""The embedded Redis keeps what it acknowledged, whatever ends it, and never evicts."""

from __future__ import annotations

import resource
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from farandole.errors import LocalMeshError
from farandole.local.redis import Redis
from redis import Redis as Client
from redis.exceptions import ResponseError

pytestmark = pytest.mark.mesh


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    started = Redis(tmp_path / "re dis")
    await started.start()
    yield started
    await started.stop()


async def test_acknowledged_writes_survive_kill_9_at_the_same_address(redis: Redis) -> None:
    url, first = redis.url, redis.pid
    with Client.from_url(url) as client:
        for number in range(500):
            assert client.set(f"key:{number}", number)

    await redis.kill()
    assert not redis.running
    await redis.start()

    assert redis.url == url
    assert redis.pid != first
    with Client.from_url(url) as client:
        assert client.dbsize() == 500
        assert client.get("key:499") == b"499"


async def test_nothing_is_evicted_and_every_write_is_appended(redis: Redis) -> None:
    with Client.from_url(redis.url, decode_responses=True) as client:
        told = client.config_get("maxmemory-policy", "appendonly", "appendfsync", "bind")
    assert told == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "no",
        "bind": "127.0.0.1",
    }


async def test_a_redis_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = Redis(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "appendonlydir").write_text("a file where a folder must be")
    with pytest.raises(LocalMeshError, match="ended with exit code") as failure:
        await broken.start()
    assert "append" in failure.value.why.lower()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux bounds the files of another process")
async def test_a_file_that_may_grow_no_more_refuses_writers_and_ends_nobody(redis: Redis) -> None:
    soft, hard = resource.prlimit(redis.pid, resource.RLIMIT_FSIZE)
    with Client.from_url(redis.url) as client:
        assert client.set("before", "there was room")
        resource.prlimit(redis.pid, resource.RLIMIT_FSIZE, (64, hard))
        with pytest.raises(ResponseError, match="MISCONF"):
            _until_refused(client)
        assert redis.running
        resource.prlimit(redis.pid, resource.RLIMIT_FSIZE, (soft, hard))
        _until_taken(client)
        assert client.get("before") == b"there was room"


def _until_refused(client: Client) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        client.set("during", "no room")


def _until_taken(client: Client) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(ResponseError):
            client.set("after", "room again")
            return
    raise AssertionError("Redis takes no writes although its file may grow again")
