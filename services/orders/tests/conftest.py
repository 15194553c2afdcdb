"""What the tests of the order service share: a service in memory, and a shop that orders from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from itertools import count
from typing import Any

import httpx2
import pytest
from farandole.testing import Harness
from farandole_orders.service import service

BODY: Mapping[str, Any] = {
    "reference": "10248",
    "customer_id": "VINET",
    "order_date": "1996-07-04T00:00:00Z",
    "required_date": "1996-08-01T00:00:00Z",
    "lines": [
        {
            "product_id": "11",
            "product_name": "Queso Cabrales",
            "quantity": 12,
            "unit_price_cents": 1400,
            "discount_basis_points": 0,
        },
        {
            "product_id": "42",
            "product_name": "Singaporean Hokkien Fried Mee",
            "quantity": 10,
            "unit_price_cents": 980,
            "discount_basis_points": 1500,
        },
    ],
    "freight_cents": 3238,
    "currency": "USD",
    "ship_to": {
        "name": "Vins et alcools Chevalier",
        "street": "59 rue de l'Abbaye",
        "city": "Reims",
        "region": None,
        "postal_code": "51100",
        "country": "France",
    },
    "carrier": "3",
    "payment_token": "tok_ok",
}


class Shop:
    """Places orders as a shop would, each under a key of its own unless it is told one."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self._keys = (f"key-{number}" for number in count())

    async def order(
        self, body: Mapping[str, Any] | None = None, *, key: str | None = None, **headers: str
    ) -> httpx2.Response:
        sent = {"Idempotency-Key": key or next(self._keys), **headers}
        return await self.http.post("/orders", json=dict(body or BODY), headers=sent)

    async def placed(self) -> str:
        answer = await self.order()
        assert answer.status_code == 202, answer.text
        return str(answer.json()["order_id"])

    async def cancel(self, order_id: str, *, key: str | None = None, json: Any = None) -> httpx2.Response:
        headers = {"Idempotency-Key": key or next(self._keys)}
        return await self.http.post(f"/orders/{order_id}/cancellation", json=json, headers=headers)

    async def page(self, order_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    async with Harness(service) as harness:
        yield harness


@pytest.fixture
def shop(harness: Harness) -> Shop:
    return Shop(harness.http)


@pytest.fixture
def body() -> dict[str, Any]:
    """An order that is right in every field, to be spoilt."""
    return deepcopy(dict(BODY))
