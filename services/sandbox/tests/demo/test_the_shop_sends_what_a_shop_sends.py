"""The demo's shop against an order service that answers as it is told: what it sends again, and what surprises it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx2
import pytest
from farandole_sandbox.demo import northwind
from farandole_sandbox.demo.errand import Card, Errand, Repeat, errands
from farandole_sandbox.demo.malformed import malformed
from farandole_sandbox.demo.shop import Receipts, Shop

Answer = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class FakeOrders:
    """Takes orders once a key. ``instead`` answers first, each once; it may raise."""

    instead: list[Answer] = field(default_factory=list[Answer])
    seen: list[httpx2.Request] = field(default_factory=list[httpx2.Request])
    answers: dict[str, tuple[bytes, httpx2.Response]] = field(default_factory=dict[str, tuple[bytes, httpx2.Response]])

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        if self.instead:
            return self.instead.pop(0)(request)
        if request.url.path.endswith("/cancellation"):
            return httpx2.Response(202, json={})
        key, body = request.headers["Idempotency-Key"], request.content
        if key in self.answers:
            first, answer = self.answers[key]
            return answer if first == body else httpx2.Response(422, json={})
        self.answers[key] = body, httpx2.Response(202, json={"order_id": f"order-{len(self.answers)}"})
        return self.answers[key][1]

    @property
    def keys(self) -> Counter[str]:
        return Counter(request.headers["Idempotency-Key"] for request in self.seen)


async def _sent(orders: Answer, some: Iterable[Errand]) -> Receipts:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(orders)) as client:
        shop = Shop(client, "http://orders", run="run", heard=lambda: None)
        await shop.place_all(some)
    return shop.receipts


def _plain(count: int) -> list[Errand]:
    return list(errands(northwind.orders(), count))


def _with(**changes: object) -> list[Errand]:
    (errand,) = _plain(1)
    fields = {name: getattr(errand, name) for name in Errand.__slots__}
    return [Errand(**{**fields, **changes})]


def _away(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


async def test_every_order_is_placed_under_a_key_of_its_own() -> None:
    orders = FakeOrders()
    receipts = await _sent(orders, _plain(15))
    assert len(receipts.placed) == 15
    assert set(orders.keys.values()) == {1}
    assert receipts.surprises == []


@pytest.mark.parametrize(
    "trouble",
    [
        _away,
        lambda _: httpx2.Response(503, json={}),
        lambda _: httpx2.Response(429, json={}, headers={"Retry-After": "0"}),
        lambda _: httpx2.Response(409, json={"type": "urn:farandole:problem:idempotency-key-in-use"}),
    ],
    ids=["no connection", "an error of the server", "too many requests", "the key is in use"],
)
async def test_what_got_no_answer_is_sent_again_under_the_same_key(trouble: Answer) -> None:
    orders = FakeOrders(instead=[trouble, trouble])
    receipts = await _sent(orders, _plain(1))
    assert [request.content for request in orders.seen] == [orders.seen[0].content] * 3
    assert list(orders.keys.values()) == [3]
    assert (len(receipts.placed), receipts.resent, receipts.surprises) == (1, 2, [])


async def test_an_order_that_is_refused_is_a_surprise() -> None:
    receipts = await _sent(lambda _: httpx2.Response(422, json={"title": "no"}), _plain(1))
    assert receipts.placed == []
    assert "422" in receipts.surprises[0]


@pytest.mark.parametrize("repeat", [Repeat.AFTERWARDS, Repeat.AT_ONCE])
async def test_an_order_that_is_sent_twice_is_one_order(repeat: Repeat) -> None:
    orders = FakeOrders()
    receipts = await _sent(orders, _with(repeat=repeat))
    assert list(orders.keys.values()) == [2]
    assert (len(receipts.placed), receipts.surprises) == (1, [])


@pytest.mark.parametrize("repeat", [Repeat.AFTERWARDS, Repeat.AT_ONCE])
async def test_another_answer_to_the_same_key_is_a_surprise(repeat: Repeat) -> None:
    numbers = iter(range(10))
    receipts = await _sent(lambda _: httpx2.Response(202, json={"order_id": str(next(numbers))}), _with(repeat=repeat))
    assert "answered differently" in receipts.surprises[0]


async def test_a_key_that_takes_another_body_is_a_surprise() -> None:
    receipts = await _sent(lambda _: httpx2.Response(202, json={"order_id": "1"}), _with(reused=True))
    assert "should be answered 422" in receipts.surprises[0]
    assert (await _sent(FakeOrders(), _with(reused=True))).surprises == []


async def test_a_malformed_request_that_is_taken_is_a_surprise() -> None:
    receipts = await _sent(lambda _: httpx2.Response(202, json={"order_id": "1"}), _with(number=20, malformed=True))
    assert "a request with a negative quantity should be answered 422" in receipts.surprises[0]


async def test_a_refusal_must_name_the_field() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        if json.loads(request.content)["lines"][0]["quantity"] > 0:
            return httpx2.Response(202, json={"order_id": "1"})
        return httpx2.Response(422, json={"errors": [{"field": named, "message": "no"}]})

    named = "lines[0].quantity"
    assert (await _sent(refuse, _with(number=20, malformed=True))).surprises == []
    named = "lines"
    receipts = await _sent(refuse, _with(number=20, malformed=True))
    assert "without naming lines[0].quantity" in receipts.surprises[0]


async def test_a_customer_asks_to_cancel_the_order_that_was_accepted() -> None:
    orders = FakeOrders()
    receipts = await _sent(orders, _with(cancelled=True))
    assert [request.url.path for request in orders.seen] == ["/orders", "/orders/order-0/cancellation"]
    assert receipts.wished == 1


def test_the_errands_of_a_run_are_always_the_same() -> None:
    assert _plain(830) == _plain(830)
    cards = Counter(errand.card for errand in _plain(830))
    assert cards == {Card.DECLINED: 20, Card.EXPIRED: 7, Card.UNCAPTURABLE: 8, Card.GOOD: 795}


def test_beyond_the_last_order_the_file_begins_again_under_other_references() -> None:
    found = _plain(1700)
    assert len({errand.reference for errand in found}) == 1700
    assert found[830].order == found[0].order
    assert (found[830].reference, found[1660].reference) == ("10248-2", "10248-3")


def test_malformed_requests_come_in_every_kind() -> None:
    kinds = {malformed(number, _plain(1)[0].body()).what for number in range(0, 180, 20)}
    assert len(kinds) == 9
    assert {malformed(number, _plain(1)[0].body()).status for number in range(0, 180, 20)} == {400, 413, 422}
