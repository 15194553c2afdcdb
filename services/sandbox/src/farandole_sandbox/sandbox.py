"""Sandbox: the parts that the outside systems share, opened together and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from farandole.clock import Clock, SystemClock
from farandole.retry import Backoff
from farandole.webhooks import secrets_from

from farandole_sandbox.books import Books
from farandole_sandbox.calls import Calls
from farandole_sandbox.dispatcher import Dispatcher
from farandole_sandbox.settings import Settings
from farandole_sandbox.switchboard import Switchboard

_FLUSH_SECONDS: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """Everything that a system needs to do its work."""

    settings: Settings
    clock: Clock
    books: Books
    switchboard: Switchboard
    calls: Calls
    dispatcher: Dispatcher


@asynccontextmanager
async def open_sandbox(settings: Settings, clock: Clock | None = None) -> AsyncGenerator[Sandbox]:
    """Open the books, take up the faults and the webhooks that were left, and send until the end.

    Raises:
        StartError: there is no webhook secret, or the books cannot be kept where the settings say.
    """
    clock = clock or SystemClock()
    secret = secrets_from(settings.webhook_secret.get_secret_value())[0]
    books = Books(settings.books_path)
    await books.open()
    try:
        sandbox = _assemble(settings, clock, books, secret)
        await sandbox.switchboard.load()
        await sandbox.dispatcher.load()
        tasks = [asyncio.create_task(sandbox.dispatcher.run()), asyncio.create_task(_flush_for_ever(sandbox))]
        try:
            yield sandbox
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            flush_calls(sandbox)
    finally:
        await books.close()


def flush_calls(sandbox: Sandbox) -> None:
    """Hand the counted calls over to the books."""
    operation = sandbox.calls.flush()
    if operation is not None:
        sandbox.books.tell(operation)


async def _flush_for_ever(sandbox: Sandbox) -> None:
    while True:
        await asyncio.sleep(_FLUSH_SECONDS)
        flush_calls(sandbox)


def _assemble(settings: Settings, clock: Clock, books: Books, secret: bytes) -> Sandbox:
    switchboard = Switchboard(books, clock)
    first = max(settings.sandbox_first_backoff, settings.sandbox_first_backoff.resolution)
    dispatcher = Dispatcher(
        books=books,
        clock=clock,
        switchboard=switchboard,
        secret=secret,
        receivers={
            "shipping": _at(settings.url_shipping, "/webhooks/carrier"),
            "suppliers": _at(settings.url_suppliers, "/webhooks/goods"),
        },
        backoff=Backoff(first=first, factor=2, longest=max(first, settings.sandbox_longest_backoff)),
        seed=settings.sandbox_seed,
    )
    return Sandbox(
        settings=settings,
        clock=clock,
        books=books,
        switchboard=switchboard,
        calls=Calls(clock),
        dispatcher=dispatcher,
    )


def _at(url: str, path: str) -> str:
    return url.rstrip("/") + path if url else ""
