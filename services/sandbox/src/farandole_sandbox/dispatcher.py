"""Dispatcher: sends the webhooks that are owed, each until its receiver says 2xx."""

from __future__ import annotations

import asyncio
import heapq
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Final

import httpx2
from farandole import webhooks
from farandole.clock import Clock
from farandole.retry import Backoff

from farandole_sandbox.answer import Webhook
from farandole_sandbox.books import Books
from farandole_sandbox.faults import System
from farandole_sandbox.switchboard import Switchboard

_SENDERS: Final[Mapping[str, System]] = {"shipping": System.CARRIERS, "suppliers": System.SUPPLIERS}
_AT_ONCE: Final = 32
_TIMEOUT: Final = timedelta(seconds=5)


class Dispatcher:
    """Sends at least once: the books remember what is owed, and a webhook ends only with an acknowledgement.

    Order between webhooks is not kept. A system in an outage sends nothing until it is over. Use from one event loop.
    """

    def __init__(
        self,
        *,
        books: Books,
        clock: Clock,
        switchboard: Switchboard,
        secret: bytes,
        receivers: Mapping[str, str],
        backoff: Backoff,
        seed: int,
    ) -> None:
        """Receivers are the URLs by the name of the service; an empty URL keeps what is owed to it waiting."""
        self._books = books
        self._clock = clock
        self._switchboard = switchboard
        self._secret = secret
        self._receivers = receivers
        self._backoff = backoff
        self._random = Random(seed)
        self._due: list[tuple[datetime, int, Webhook]] = []
        self._order = count()
        self._news = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def load(self) -> None:
        """Take up what the process before this one still owed."""
        self.owe(await self._books.read(_owed))

    def owe(self, owed: Iterable[Webhook]) -> None:
        """Send these, each when it is due. They must be in the books already."""
        for webhook in owed:
            heapq.heappush(self._due, (webhook.due, next(self._order), webhook))
            self._news.set()

    async def run(self) -> None:
        """Send for ever; cancel to stop. What was being sent is sent again by the next process."""
        async with (
            httpx2.AsyncClient(timeout=_TIMEOUT.total_seconds(), trust_env=False) as client,
            asyncio.TaskGroup() as sendings,
        ):
            while True:
                while self._due and self._due[0][0] <= self._clock.now():
                    _, _, webhook = heapq.heappop(self._due)
                    await self._slots.acquire()
                    sendings.create_task(self._send(client, webhook))
                await self._next_due()

    async def _next_due(self) -> None:
        self._news.clear()
        wait = (self._due[0][0] - self._clock.now()).total_seconds() if self._due else None
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            return

    async def _send(self, client: httpx2.AsyncClient, webhook: Webhook) -> None:
        try:
            outcome = await self._post(client, webhook)
        finally:
            self._slots.release()
        acknowledged = outcome.isdecimal() and 200 <= int(outcome) < 300
        self._books.tell(_noting(webhook.id, acknowledged=acknowledged, outcome=outcome))
        tried = replace(webhook, attempts=webhook.attempts + 1, acknowledged=webhook.acknowledged + acknowledged)
        if tried.acknowledged < tried.wanted:
            self.owe([replace(tried, due=self._clock.now() + self._backoff.delay(tried.attempts, self._random))])

    async def _post(self, client: httpx2.AsyncClient, webhook: Webhook) -> str:
        url = self._receivers[webhook.receiver]
        if not url:
            return f"nobody to send it to: FARANDOLE_URL_{webhook.receiver.upper()} is not set"
        if self._switchboard.is_out(_SENDERS[webhook.receiver]):
            return "the sender is in an outage"
        headers = webhooks.sign(webhook.body, secret=self._secret, id=webhook.id, at=self._clock.now())
        headers["content-type"] = "application/json"
        try:
            response = await client.post(url, content=webhook.body, headers=headers)
        except Exception as error:
            return type(error).__name__
        return str(response.status_code)


def _owed(connection: sqlite3.Connection) -> list[Webhook]:
    rows = connection.execute(
        "SELECT id, receiver, order_id, effect, body, due, wanted, attempts, acknowledged FROM webhooks"
        " WHERE acknowledged < wanted"
    )
    return [
        Webhook(
            id=webhook_id,
            receiver=receiver,
            order_id=order_id,
            effect=effect,
            body=body,
            due=datetime.fromisoformat(due),
            wanted=wanted,
            attempts=attempts,
            acknowledged=acknowledged,
        )
        for webhook_id, receiver, order_id, effect, body, due, wanted, attempts, acknowledged in rows
    ]


def _noting(webhook_id: str, *, acknowledged: bool, outcome: str) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(
        "UPDATE webhooks SET attempts = attempts + 1, acknowledged = acknowledged + ?, last_outcome = ? WHERE id = ?",
        (int(acknowledged), outcome, webhook_id),
    )
