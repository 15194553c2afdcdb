"""One effect and one answer for each Idempotency-Key: sent again, sent with another body, sent twice at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from farandole.testing import Harness
from farandole_events import OrderPlaced
from farandole_orders.service import service
from farandole_orders.settings import OrdersSettings
from farandole_orders.tables import idempotency_keys
from sqlalchemy import func, select


async def test_the_same_key_and_body_get_the_stored_answer_and_no_second_order(harness: Harness, shop: Any):
    first = await shop.order(key="a")
    again = await shop.order(key="a")
    await harness.settle()
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(harness.events(OrderPlaced)) == 1


async def test_the_same_key_with_another_body_is_refused(harness: Harness, shop: Any, body: dict[str, Any]):
    await shop.order(body, key="a")
    body["lines"][0]["quantity"] = 13
    answer = await shop.order(body, key="a")
    await harness.settle()
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:farandole:problem:idempotency-key-reused"
    assert len(harness.events(OrderPlaced)) == 1


async def test_spaces_and_the_order_of_fields_do_not_make_another_body(shop: Any, body: dict[str, Any]):
    first = await shop.order(body, key="a")
    turned = json.dumps(dict(reversed(body.items())), indent=4)
    again = await shop.http.post(
        "/orders", content=turned, headers={"Idempotency-Key": "a", "Content-Type": "application/json"}
    )
    assert (again.status_code, again.content) == (202, first.content)


@pytest.mark.parametrize("key", [None, "", "é", "two words", "x" * 256])
async def test_a_missing_or_malformed_key_is_named(shop: Any, body: dict[str, Any], key: str | None):
    headers = {} if key is None else {"Idempotency-Key": key.encode()}
    answer = await shop.http.post("/orders", json=body, headers=headers)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


async def test_while_one_request_is_under_way_another_with_its_key_is_told_to_wait(harness: Harness, shop: Any):
    async with _writers_held_up(harness):
        told, waiting = await _one_of_two(shop)
        assert told.status_code == 409
        assert told.headers["retry-after"] == "1"
        assert told.json()["type"] == "urn:farandole:problem:idempotency-key-in-use"
    first = await waiting
    assert first.status_code == 202
    assert (await shop.order(key="a")).content == first.content
    await harness.settle()
    assert len(harness.events(OrderPlaced)) == 1


async def test_of_many_requests_at_once_one_places_the_order(harness: Harness, shop: Any):
    answers = await asyncio.gather(*(shop.order(key="a") for _ in range(30)))
    await harness.settle()
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
    assert len(harness.events(OrderPlaced)) == 1


async def test_a_request_that_was_cut_off_leaves_its_key_free(harness: Harness, shop: Any):
    async with _writers_held_up(harness):
        _, cut = await _one_of_two(shop)
        cut.cancel()
        await asyncio.wait([cut])
    assert (await shop.order(key="a")).status_code == 202
    await harness.settle()
    assert len(harness.events(OrderPlaced)) == 1


async def test_a_request_that_was_not_valid_leaves_its_key_free(shop: Any, body: dict[str, Any]):
    good = dict(body)
    body["currency"] = "EUR"
    assert (await shop.order(body, key="a")).status_code == 422
    assert (await shop.order(good, key="a")).status_code == 202


async def test_a_key_counts_for_each_account_by_itself(body: dict[str, Any]):
    settings = OrdersSettings(client_keys=("of-shop-one", "of-shop-two"))  # type: ignore[arg-type]
    async with _harness(settings) as harness:
        ids = set()
        for account in ("of-shop-one", "of-shop-two", "made-up", "made-up-too"):
            headers = {"Idempotency-Key": "a", "X-Api-Key": account}
            ids.add((await harness.http.post("/orders", json=body, headers=headers)).json()["order_id"])
        assert len(ids) == 3, "two accounts, and one for all who have none"


async def test_a_key_older_than_the_window_counts_no_more_even_before_it_is_pruned(body: dict[str, Any]):
    async with _harness(OrdersSettings(idempotency_window=timedelta(hours=1))) as harness:
        first = await harness.http.post("/orders", json=body, headers={"Idempotency-Key": "a"})
        harness.clock.move_to(harness.clock.now() + timedelta(hours=1, seconds=1))
        second = await harness.http.post("/orders", json=body, headers={"Idempotency-Key": "a"})
        assert first.json()["order_id"] != second.json()["order_id"]


async def test_keys_are_pruned_when_their_window_has_passed_and_not_before(body: dict[str, Any]):
    async with _harness(OrdersSettings(idempotency_window=timedelta(minutes=5))) as harness:
        await harness.http.post("/orders", json=body, headers={"Idempotency-Key": "old"})
        await harness.advance(timedelta(minutes=3))
        await harness.http.post("/orders", json=body, headers={"Idempotency-Key": "young"})
        assert await _keys(harness) == 2
        await harness.advance(timedelta(minutes=3))
        assert await _keys(harness) == 1
        await harness.advance(timedelta(minutes=3))
        assert await _keys(harness) == 0


def _harness(settings: OrdersSettings) -> Harness:
    return Harness(service, provide={OrdersSettings: settings})


async def _keys(harness: Harness) -> int:
    assert harness.store is not None
    async with harness.store.reading() as work:
        return int(await work.scalar(select(func.count()).select_from(idempotency_keys)))


@asynccontextmanager
async def _writers_held_up(harness: Harness) -> AsyncIterator[None]:
    """Hold writers up in a task of its own: whoever is begun within a transaction may not begin another."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        assert harness.store is not None
        async with harness.store.transaction() as work:
            await work.execute(select(idempotency_keys))
            begun.set()
            await ended.wait()

    holding = asyncio.create_task(hold())
    await begun.wait()
    yield
    ended.set()
    await holding


async def _one_of_two(shop: Any) -> tuple[httpx2.Response, asyncio.Task[httpx2.Response]]:
    """Send two requests under one key; return the answer of the one that gets one, and the other, which waits."""
    both = [asyncio.create_task(shop.order(key="a")) for _ in range(2)]
    done, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    return done.pop().result(), waiting.pop()
