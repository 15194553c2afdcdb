"""Script: a Lua script that lies in a package, run by its hash."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError


class Script:
    """A script that Redis keeps under its hash; sent in full only to a server that does not know it yet."""

    def __init__(self, package: str, name: str) -> None:
        self._source = files(package).joinpath(name).read_text(encoding="utf-8")
        self._sha = sha1(self._source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, keys: list[bytes], arguments: list[bytes]) -> Any:
        """Run the script atomically. Raises what redis-py raises."""
        try:
            return await redis.evalsha(self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await redis.eval(self._source, len(keys), *keys, *arguments)
