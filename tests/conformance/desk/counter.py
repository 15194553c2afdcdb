"""Counter: a shop with dead letters on a real mesh, and the command line at which an operator clears them."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from audited import Audited
from farandole.breaker import BreakerState, Phase, RedisBreakers
from farandole.breaker.state import begun
from farandole.cli.main import main
from farandole.local.services import database_variable
from farandole.operations import AuditTopic, Began, Noted
from farandole.testing.backend import Backend
from redis.asyncio import Redis
from shop import Shop
from sqlalchemy import create_engine, text
from world import message

LONG = pytest.mark.skipif(os.environ.get("FARANDOLE_LONG") != "1", reason="FARANDOLE_LONG=1 runs it")
"""Marks what only runs on request: the same ways, a corner further."""
SOURCE = "test"
WITHIN = 20.0
WHY = ("--reason", "a test wants it", "--yes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one document on stdout."""
        (found,) = self.lines
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of JSON on stdout; the service, which runs in this process, may log in between."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


class Counter:
    """A shop that runs, with a database where there is a ``url``, and commands about it."""

    def __init__(self, shop: Shop, folder: Path, backend: Backend, *, url: str) -> None:
        self._installed = folder / "installed"
        self.shop = shop
        self.mesh = Audited(shop.service, folder, backend, (shop.placed,), url)
        self._backend = backend
        self._url = url

    @property
    def environment(self) -> Mapping[str, str]:
        """What tells a command where the mesh is."""
        told = {
            "FARANDOLE_BROKERS": self._backend.bootstrap,
            "FARANDOLE_REDIS_URL": self._backend.redis_url,
            "FARANDOLE_CLUSTER": self._backend.cluster_id,
            "FARANDOLE_CONTEXTS": str(self._installed.parent / "contexts.toml"),
        }
        return told | ({database_variable(self.shop.tag): self._url} if self._url else {})

    async def place(self, *things: str, total: int = 0) -> None:
        """Send orders; the id of each event is the thing."""
        events = [self.shop.placed(thing=one, total=total) for one in things]
        await self.mesh.send(*(message(one, event_id=one.thing, source=SOURCE) for one in events))

    async def die(self, *things: str) -> None:
        """Send orders that end as dead letters, and wait until they have."""
        await self.place(*things)
        await self.mesh.drained()

    async def dlq(self, *arguments: str) -> Ran:
        """Run ``farandole dlq`` as an operator would."""
        return await asyncio.to_thread(ran, ["dlq", *arguments])

    async def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run it with ``--json`` and return the document; it has to end with that code."""
        ended = await self.dlq(*arguments, "--service", self.shop.tag, "--json")
        assert ended.code == code, ended
        return ended.document

    async def redrive(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        return await self.json("redrive", *arguments, *WHY, "--wait", "20", code=code)

    async def redrive_without_waiting(self, *arguments: str) -> dict[str, Any]:
        return await self.json("redrive", *arguments, *WHY, "--wait", "0", code=4)

    @property
    def here(self) -> tuple[str, str]:
        """The option that names the service."""
        return "--service", self.shop.tag

    async def counts(self) -> dict[str, int]:
        """How many events are open, redriven, resolved and discarded."""
        groups = (await self.json("ls", "--all"))["groups"]
        words = ("open", "redriven", "resolved", "discarded")
        return {word: count for word in words if (count := sum(one[word] for one in groups))}

    async def group(self) -> str:
        (one,) = (await self.json("ls", "--all"))["groups"]
        return str(one["fingerprint"])

    async def until_counts(self, **wanted: int) -> None:
        deadline = time.monotonic() + WITHIN
        while (found := await self.counts()) != wanted:
            assert time.monotonic() < deadline, f"{found} instead of {wanted}"

    def effects(self) -> list[tuple[str, int]]:
        """What the database holds, by thing."""
        engine = create_engine(self._url)
        with engine.begin() as connection:
            rows = connection.execute(text("SELECT thing, total FROM effects ORDER BY thing")).all()
        engine.dispose()
        return [(str(thing), int(total)) for thing, total in rows]

    async def records(self) -> Sequence[Noted]:
        """What the audit topic has of this service."""
        async with AuditTopic(self.mesh.target.connection) as topic:
            found = await topic.read()
        mine = {
            one.record.operation
            for one in found
            if isinstance(one.record, Began) and one.record.begun.service == self.shop.tag
        }
        return [one for one in found if one.record.operation in mine]

    def uninstall(self) -> None:
        """Have nothing here know the service."""
        for one in self._installed.glob("*.dist-info/*"):
            one.unlink()

    def as_viewer(self, folder: Path) -> tuple[str, str]:
        """Return the option that makes a command that of somebody who may only look."""
        databases = f'\ndatabases = {{ {self.shop.tag} = "{self._url}" }}' if self._url else ""
        (folder / "contexts.toml").write_text(
            f'[looking]\nbrokers = "{self._backend.bootstrap}"\nredis_url = "{self._backend.redis_url}"\n'
            f'cluster = "{self._backend.cluster_id}"\nrole = "viewer"{databases}\n'
        )
        return "--context", "looking"

    async def open_breaker(self) -> None:
        """Have the fleet hold that what the shop's handler depends on is away."""
        name = f"carrier-{self.shop.tag}"
        breakers = RedisBreakers(self._backend.redis_url, cluster=self._backend.cluster_id)
        await breakers.change(name, _opened)
        await breakers.close()

    @asynccontextmanager
    async def elsewhere(self, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
        """Run ``farandole dlq`` in a process of its own, which nobody can stop but by a kill."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from farandole.cli import main; main()",
            "dlq",
            *arguments,
            env={**os.environ, **self.environment, "PYTHONPATH": path(self._installed)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def let_the_lease_end(self) -> None:
        """Take away the lease of a process that was killed, as fifteen seconds would."""
        async with Redis.from_url(self._backend.redis_url) as redis:
            await redis.delete(f"farandole:{{{self._backend.cluster_id}:{self.shop.tag}}}:operation")

    def redelivered(self) -> list[str]:
        """The ids of the events on the redelivery topic."""
        return [one.headers["ce_id"] for one in self.mesh.world.read(f"{self.shop.tag}.redelivery")]


def _opened(_: BreakerState | None, now: datetime) -> tuple[BreakerState, None]:
    later = now + timedelta(hours=1)
    return replace(begun(now), phase=Phase.OPEN, reason="a test", next_probe=later), None


def ran(arguments: Sequence[str]) -> Ran:
    """Run ``farandole`` in this process."""
    out, err, before = io.TextIOWrapper(io.BytesIO()), io.StringIO(), sys.argv
    sys.argv = ["farandole", *arguments]
    code = -1
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()  # it reads sys.argv
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.argv = before
    out.flush()
    return Ran(code=code, out=out.buffer.getvalue().decode(), err=err.getvalue())  # type: ignore[attr-defined]


def install(shop: Shop, folder: Path) -> None:
    """Make the shop an installed service: of this process, and of those that have the folder on their path."""
    module = f"shop_{shop.tag}"
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[farandole.services]\n{shop.tag} = {module}:service\n")
    stored = shop.service.tables is not None
    lines = ("from shop import Shop", f"service = Shop({shop.tag!r}, stored={stored}).service")
    (folder / f"{module}.py").write_text("\n".join(lines) + "\n")


def path(folder: Path) -> str:
    """Return the path on which another process finds what is installed in the folder."""
    return os.pathsep.join((str(folder), str(Path(__file__).parent)))
