"""The pages that audits read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from farandole.testing import Harness
from farandole_events.orders import OrderPlaced
from farandole_events.types import Address
from farandole_payments.gateway import PaymentGateway
from farandole_payments.service import service
from farandole_payments.testing import FakeGateway


def order_placed(order_id: str) -> OrderPlaced:
    return OrderPlaced(
        order_id=order_id,
        customer_id="VINET",
        reference=f"ref-{order_id}",
        order_date=datetime(2026, 11, 23, tzinfo=UTC),
        lines=(),
        total_cents=3000,
        currency="USD",
        ship_to=Address(name="Paul Henriot", street="59 rue de l'Abbaye", city="Reims", country="France"),
        carrier="Federal Shipping",
        payment_token="tok_secret",
    )


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    async with Harness(service, provide={PaymentGateway: FakeGateway()}) as running:
        await running.deliver(*(order_placed(f"order-{n}") for n in (3, 1, 2)))
        yield running


async def test_a_payment_is_shown_by_its_order(harness: Harness) -> None:
    shown = (await harness.http.get("/payments/order-1")).json()
    expected = {"order_id": "order-1", "state": "held", "cancelled": False, "amount_cents": 3000, "currency": "USD"}
    assert expected.items() <= shown.items()
    assert shown["hold_id"].startswith("hold_")
    assert datetime.fromisoformat(shown["expires_at"]).tzinfo is not None


async def test_an_unknown_order_is_not_found(harness: Harness) -> None:
    assert (await harness.http.get("/payments/nobody")).status_code == 404


async def test_pages_follow_one_another_without_gap_or_overlap(harness: Harness) -> None:
    first = (await harness.http.get("/payments", params={"limit": 2})).json()
    assert [one["order_id"] for one in first["payments"]] == ["order-1", "order-2"]
    second = (await harness.http.get("/payments", params={"limit": 2, "after": first["next"]})).json()
    assert [one["order_id"] for one in second["payments"]] == ["order-3"]
    assert second["next"] is None


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "99999999999999999999", "ten", "²", ""])
async def test_a_limit_that_is_none_is_refused_in_words(harness: Harness, limit: str) -> None:
    answer = await harness.http.get("/payments", params={"limit": limit})
    assert answer.status_code == 400
    assert "from 1 to 1000" in answer.json()["reason"]


async def test_an_order_that_no_database_could_know_is_refused_or_not_found(harness: Harness) -> None:
    answer = await harness.http.get("/payments?after=%00")
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith("after")
    assert (await harness.http.get("/payments/order%00")).status_code == 404


async def test_neither_card_nor_customer_is_shown(harness: Harness) -> None:
    text = (await harness.http.get("/payments")).text
    assert "tok_secret" not in text
    assert "Henriot" not in text
