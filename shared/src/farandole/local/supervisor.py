"""Keeps child processes running until told to stop, and leaves none behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import timedelta

from farandole.local.child import GRACE, Child, Command
from farandole.local.notice import Change, Notice, Tell, untold
from farandole.local.restart import RestartPolicy


class Supervised:
    """One child that is kept running: started again, with backoff, whenever it ends. Belongs to one event loop."""

    def __init__(self, name: str, command: Command, *, policy: RestartPolicy, tell: Tell) -> None:
        self.name = name
        self.command = command
        self.starts = 0
        self._policy = policy
        self._tell = tell
        self._child: Child | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The running process; None while it waits to be started again, or was stopped."""
        return self._child.pid if self._child is not None and self._child.running else None

    def begin(self) -> None:
        """Start the child and keep it running from now on.

        Raises:
            OSError: The program could not be started even once.
        """
        self._spawn()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    def _spawn(self) -> Child:
        self._child = Child(self.command)
        self.starts += 1
        self._tell(Notice(name=self.name, change=Change.STARTED, detail=f"pid {self._child.pid}"))
        return self._child

    async def _keep(self) -> None:
        failures = 0
        child = self._child
        while child is not None:
            since = time.monotonic()
            code = await child.wait()
            if self._stopping.is_set():
                return
            failures = self._policy.failures(failures, timedelta(seconds=time.monotonic() - since))
            self._tell(Notice(name=self.name, change=Change.ENDED, detail=ended_how(code)))
            child = await self._again(failures)

    async def _again(self, failures: int) -> Child | None:
        """Start the child after the policy's delay, however often that fails; None when told to stop meanwhile."""
        while True:
            delay = self._policy.delay(failures)
            self._tell(
                Notice(name=self.name, change=Change.WAITING, detail=f"starts again in {delay.total_seconds():g} s")
            )
            if await self._stopped_within(delay):
                return None
            try:
                return self._spawn()
            except OSError as failure:
                failures += 1
                self._tell(Notice(name=self.name, change=Change.ENDED, detail=f"could not be started: {failure}"))

    async def _stopped_within(self, delay: timedelta) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), delay.total_seconds())
        except TimeoutError:
            return False
        return True

    async def stop(self, grace: timedelta) -> None:
        """Ask the child to end, end it after ``grace``, and do not start it again."""
        self._stopping.set()
        if self._child is not None and self._child.running:
            await self._child.stop(grace)
        if self._task is not None:
            await self._task
            self._tell(Notice(name=self.name, change=Change.STOPPED))
            self._task = None

    async def kill(self) -> None:
        """End the child at once and do not start it again."""
        self._stopping.set()
        if self._child is not None and self._child.running:
            self._tell(Notice(name=self.name, change=Change.FORCED))
            await self._child.kill()


class Supervisor:
    """A group of supervised children, each in a session of its own. Belongs to one event loop.

    When this process dies, also by kill -9, the guard ends every child (``farandole.local.guard``).
    """

    def __init__(self, *, policy: RestartPolicy | None = None, tell: Tell = untold) -> None:
        self._policy = policy or RestartPolicy()
        self._tell = tell
        self._kept: dict[str, Supervised] = {}

    def get(self, name: str) -> Supervised | None:
        """Return the child called ``name``; None when none was started."""
        return self._kept.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The children, in the order in which they were first started."""
        return tuple(self._kept)

    def run(self, name: str, command: Command) -> Supervised:
        """Start a child under ``name`` and keep it running.

        Raises:
            OSError: The program could not be started.
        """
        self._kept[name] = kept = Supervised(name, command, policy=self._policy, tell=self._tell)
        kept.begin()
        return kept

    async def stop(self, names: Iterable[str] | None = None, *, grace: timedelta = GRACE) -> None:
        """Stop the named children (all, when None) at the same time, each with ``grace`` to end in order."""
        chosen = self.names if names is None else names
        await asyncio.gather(*(self._kept[name].stop(grace) for name in chosen if name in self._kept))

    async def kill(self) -> None:
        """End every child at once."""
        await asyncio.gather(*(kept.kill() for kept in self._kept.values()))


def ended_how(code: int) -> str:
    """Say how a process ended, from its exit code (negative: the signal)."""
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"
