"""The page that audits read: what became of every order, without names and addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from farandole.testing import Harness
from farandole_events import Address, CancellationRequested, PaymentAuthorised, StockLine, StockReserved
from farandole_warehouse.service import service
from farandole_warehouse.testing import FakeWarehouseSystem
from farandole_warehouse.wms import WarehouseSystem

LATER = datetime(2026, 2, 1, tzinfo=UTC)


def reserved(order_id: str) -> StockReserved:
    return StockReserved(
        order_id=order_id,
        reservation_id="r",
        customer_id="VINET",
        lines=(StockLine(product_id="11", quantity=12),),
        ship_to=Address(name="Paul Henriot", street="59 rue de l'Abbaye", city="Reims", country="France"),
        carrier="Federal Shipping",
    )


@pytest.fixture
async def warehouse(database_url: str) -> AsyncIterator[Harness]:
    async with Harness(service, provide={WarehouseSystem: FakeWarehouseSystem()}, database_url=database_url) as running:
        await running.deliver(reserved("o-1"), reserved("o-2"), reserved("o-3"))
        await running.deliver(
            PaymentAuthorised(order_id="o-2", hold_id="h", amount_cents=1, currency="USD", expires_at=LATER)
        )
        await running.deliver(CancellationRequested(order_id="o-3", reason="changed my mind"))
        yield running


async def test_every_order_is_shown_with_its_state_and_nobodys_address(warehouse: Harness) -> None:
    answer = await warehouse.http.get("/packages")
    waiting, packed, cancelled = answer.json()["packages"]
    assert (waiting["order_id"], waiting["state"], waiting["reserved"], waiting["authorised"]) == (
        "o-1",
        "waiting",
        True,
        False,
    )
    assert (packed["state"], packed["package_id"], packed["parcels"]) == ("packed", "p_1", 1)
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "changed my mind")
    assert "Henriot" not in answer.text


async def test_pages_follow_one_another_without_gap_or_overlap(warehouse: Harness) -> None:
    first = (await warehouse.http.get("/packages", params={"limit": 2})).json()
    rest = (await warehouse.http.get("/packages", params={"limit": 2, "after": first["next"]})).json()
    assert [one["order_id"] for one in first["packages"] + rest["packages"]] == ["o-1", "o-2", "o-3"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=1001", "limit=ten", "limit=%C2%B2", "limit=", "after=%00"]
)
async def test_a_page_that_is_none_is_refused_in_words(warehouse: Harness, query: str) -> None:
    answer = await warehouse.http.get(f"/packages?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"] == "bad_request"
    assert answer.json()["reason"].startswith(("limit", "after"))
