"""Script: a Lua script that lies in a package, run by its hash."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError


class Script:
    """A script that Redis keeps under its hash; sent in full only to a server that does not know it yet.

    One that is ``read_only`` may be run by who may only read its keys; Redis refuses it to write.
    """

    def __init__(self, package: str, name: str, *, read_only: bool = False) -> None:
        self._read_only = read_only
        self._source = files(package).joinpath(name).read_text(encoding="utf-8")
        self._sha = sha1(self._source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, keys: list[bytes], arguments: list[bytes]) -> Any:
        """Run the script atomically. Raises what redis-py raises."""
        by_hash, in_full = (redis.evalsha_ro, redis.eval_ro) if self._read_only else (redis.evalsha, redis.eval)
        try:
            return await by_hash(self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await in_full(self._source, len(keys), *keys, *arguments)
