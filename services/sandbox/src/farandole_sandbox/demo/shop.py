"""Shop: places orders over HTTP as a client in the wild would, and notes every answer that it should not have got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx2
import msgspec

from farandole_sandbox.demo.errand import Errand, Repeat
from farandole_sandbox.demo.malformed import Malformed, malformed

CONNECTIONS: Final = 16
_TIMEOUT: Final = 10.0
_AGAIN: Final = 0.25
_PATIENCE: Final = timedelta(seconds=90)
_TOO_MANY, _IN_USE, _FAILED = 429, 409, 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """An order that was accepted: when the first 202 came (seconds since the epoch) and how long that took."""

    errand: Errand
    order_id: str
    accepted: float
    took: float


@dataclass(slots=True)
class Receipts:
    """What the shop got: the orders that were accepted, and answers that it should not have got, in words."""

    placed: list[Placed] = field(default_factory=list[Placed])
    surprises: list[str] = field(default_factory=list[str])
    refused: int = 0
    resent: int = 0
    wished: int = 0
    began: float = 0.0


class ShopClosed(Exception):  # noqa: N818 - it says what happened
    """The order service was away for longer than a shop waits."""


class Shop:
    """Sends errands over a bounded number of connections, the orders in their order. For one event loop.

    Whatever is away is asked again under the same key: no connection, no answer, 5xx, 429 after its Retry-After.
    ``run`` tells keys of different runs apart.
    """

    def __init__(self, client: httpx2.AsyncClient, url: str, *, run: str, heard: Callable[[], None]) -> None:
        self._client = client
        self._url = url
        self._run = run
        self._heard = heard
        self._closed: ShopClosed | None = None
        self.receipts = Receipts()

    async def place_all(self, errands: Iterable[Errand]) -> None:
        """Run every errand; may be called again with more. Raises ShopClosed when the order service stays away."""
        waiting = iter(errands)
        self.receipts.began = self.receipts.began or time.time()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(self._work(waiting))
        if self._closed is not None:
            raise self._closed

    async def _work(self, errands: Iterator[Errand]) -> None:
        for errand in errands:
            try:
                await self._run_errand(errand)
            except ShopClosed as closed:
                self._closed = closed
            if self._closed is not None:
                return

    async def _run_errand(self, errand: Errand) -> None:
        if errand.malformed:
            await self._send_malformed(malformed(errand.number, errand.body()), errand)
        await self._place(errand)

    async def _place(self, errand: Errand) -> None:
        key, content = f"{self._run}-{errand.reference}", msgspec.json.encode(errand.body())
        began = time.perf_counter()
        if errand.repeat is Repeat.AT_ONCE:
            first, second = await asyncio.gather(*(self._post("/orders", key, content) for _ in range(2)))
        else:
            first, second = await self._post("/orders", key, content), None
        if first.status_code != 202:
            self._surprise(f"order {errand.reference} was answered", first)
            return
        self._accept(errand, first, time.perf_counter() - began)
        if errand.repeat is Repeat.AFTERWARDS:
            second = await self._post("/orders", key, content)
        if second is not None and (second.status_code, second.content) != (202, first.content):
            self._surprise(f"order {errand.reference}, sent twice, was answered differently", second)
        if errand.reused:
            other = msgspec.json.encode({**errand.body(), "freight_cents": errand.order.freight_cents + 1})
            await self._expect(422, f"order {errand.reference} with another body", "/orders", key, other)
        if errand.cancelled:
            await self._cancel(_order_id(first), key)

    def _accept(self, errand: Errand, answer: httpx2.Response, took: float) -> None:
        placed = Placed(errand=errand, order_id=_order_id(answer), accepted=time.time(), took=took)
        self.receipts.placed.append(placed)
        self._heard()

    async def _cancel(self, order_id: str, key: str) -> None:
        answer = await self._post(f"/orders/{order_id}/cancellation", f"{key}-cancel", b'{"reason": "changed my mind"}')
        self.receipts.wished += 1
        if answer.status_code not in {202, 409}:
            self._surprise(f"the wish to cancel {order_id} was answered", answer)

    async def _send_malformed(self, bad: Malformed, errand: Errand) -> None:
        key = f"{self._run}-{errand.reference}-bad" if bad.keyed else None
        answer = await self._expect(bad.status, f"a request with {bad.what}", "/orders", key, bad.content)
        if bad.field is not None and bad.field.lower() not in _fields(answer):
            self._surprise(f"a request with {bad.what} was refused without naming {bad.field}:", answer)
        self.receipts.refused += 1

    async def _expect(self, status: int, what: str, path: str, key: str | None, content: bytes) -> httpx2.Response:
        answer = await self._post(path, key, content)
        if answer.status_code != status:
            self._surprise(f"{what} should be answered {status} and was answered", answer)
        return answer

    async def _post(self, path: str, key: str | None, content: bytes) -> httpx2.Response:
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        closes = time.monotonic() + _PATIENCE.total_seconds()
        while True:
            try:
                answer = await self._client.post(self._url + path, content=content, headers=headers, timeout=_TIMEOUT)
            except httpx2.TransportError as error:
                wait, why = _AGAIN, f"{type(error).__name__}: {error}"
            else:
                pause = _pause(answer)
                if pause is None:
                    return answer
                wait, why = pause, f"answered {answer.status_code}"
            if time.monotonic() > closes:
                raise ShopClosed(f"{self._url} takes no orders any more: {why}")
            self.receipts.resent += 1
            await asyncio.sleep(wait)

    def _surprise(self, what: str, answer: httpx2.Response) -> None:
        self.receipts.surprises.append(f"{what} {answer.status_code}: {answer.text[:300]}")


def _pause(answer: httpx2.Response) -> float | None:
    """Return after how many seconds to ask again; None when this answer is one."""
    status = answer.status_code
    in_use = status == _IN_USE and "in-use" in answer.text
    if status != _TOO_MANY and not in_use and status < _FAILED:
        return None
    told = answer.headers.get("retry-after", "")
    return min(float(told), 30.0) if told.isdecimal() else _AGAIN


def _order_id(answer: httpx2.Response) -> str:
    return str(msgspec.json.decode(answer.content)["order_id"])


def _fields(answer: httpx2.Response) -> set[str]:
    try:
        told: dict[str, Any] = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        return set()
    return {str(one["field"]).lower() for one in told.get("errors", ())}
