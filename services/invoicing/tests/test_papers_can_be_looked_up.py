"""The pages that audits and people read."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from farandole.testing import Harness
from farandole_events.orders import OrderCancelled
from farandole_events.payments import PaymentCaptured
from farandole_events.types import Address, BillTo, OrderLine
from farandole_invoicing.service import service
from pypdf import PdfReader

BILL = BillTo(
    customer_id="ANATR",
    reference="10308",
    lines=(OrderLine(product_id="11", product_name="Chai", quantity=2, unit_price_cents=1400, total_cents=2800),),
    freight_cents=200,
    total_cents=3000,
    currency="USD",
    address=Address(name="Ana Trujillo", street="Avda. de la Constitución 2222", city="México D.F.", country="Mexico"),
)


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    async with Harness(service) as running:
        for n in range(1, 4):
            await running.deliver(
                PaymentCaptured(
                    order_id=f"order-{n}",
                    capture_id="c",
                    hold_id="h",
                    amount_cents=3000,
                    currency="USD",
                    bill=BILL,
                )
            )
        gone = OrderCancelled(order_id="order-2", customer_id="ANATR", reason="it came back", cause="returned")
        await running.deliver(gone)
        yield running


async def test_an_invoice_is_shown_with_its_bill(harness: Harness) -> None:
    shown = (await harness.http.get("/invoices/2")).json()
    assert (shown["number"], shown["order_id"], shown["paid"]) == (2, "order-2", True)
    assert shown["bill"]["address"]["city"] == "México D.F."
    assert shown["bill"]["lines"][0]["product_name"] == "Chai"


async def test_an_invoice_is_printed(harness: Harness) -> None:
    answer = await harness.http.get("/invoices/3.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'inline; filename="invoice-000003.pdf"'
    text = PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert "000003" in text
    assert "México D.F." in text


async def test_a_credit_note_is_shown_and_printed(harness: Harness) -> None:
    shown = (await harness.http.get("/credit-notes/1")).json()
    assert (shown["number"], shown["invoice_number"], shown["order_id"]) == (1, 2, "order-2")
    answer = await harness.http.get("/credit-notes/1.pdf")
    assert "it came back" in PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    listed = (await harness.http.get("/credit-notes")).json()
    assert listed == {"credit_notes": [shown], "next": None}


async def test_pages_follow_one_another_without_gap_or_overlap(harness: Harness) -> None:
    first = (await harness.http.get("/invoices", params={"limit": 2})).json()
    assert [one["number"] for one in first["invoices"]] == [1, 2]
    second = (await harness.http.get("/invoices", params={"limit": 2, "after": first["next"]})).json()
    assert [one["number"] for one in second["invoices"]] == [3]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["/invoices/4", "/invoices/4.pdf", "/credit-notes/2", f"/invoices/{10**30}.pdf", "/x"])
async def test_what_is_not_there_is_not_found(harness: Harness, path: str) -> None:
    assert (await harness.http.get(path)).status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=-1", f"after={10**30}", "after="])
async def test_a_page_that_is_none_is_refused_in_words(harness: Harness, query: str) -> None:
    for path in ("/invoices", "/credit-notes"):
        answer = await harness.http.get(f"{path}?{query}")
        assert answer.status_code == 400
        assert answer.json()["reason"].startswith(f"{query.split('=', maxsplit=1)[0]} must be a number")
