"""The printed invoice and credit note, read back with a PDF reader."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from farandole_events.types import Address, BillTo, OrderLine
from farandole_invoicing.money import full, percent, plain
from farandole_invoicing.paper import CreditNote, Invoice, Seller
from farandole_invoicing.printing import print_credit_note, print_invoice
from farandole_invoicing.text import clean
from pypdf import PdfReader

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SELLER = Seller(name="Northwind Traders", address=("1 Harbour Road", "Seattle, WA 98101"), tax_id="US-12-3456789")
ADDRESS = Address(
    name="Königlich Essen",
    street="Avda. de la Constitución 2222",
    city="México D.F.",
    postal_code="05021",
    region="Łódź",
    country="Mexico",
)


def line(number: int, name: str = "") -> OrderLine:
    return OrderLine(
        product_id=str(number),
        product_name=name or f"Product {number:04d}",
        quantity=1200,
        unit_price_cents=123_450,
        discount_basis_points=250,
        total_cents=144_436_500,
    )


def invoice(*lines: OrderLine, paid: bool = True, currency: str = "USD", address: Address = ADDRESS) -> Invoice:
    goods = sum(each.total_cents for each in lines)
    bill = BillTo(
        customer_id="ANATR",
        reference="10308",
        lines=lines,
        freight_cents=3238,
        total_cents=goods + 3238,
        currency=currency,
        address=address,
    )
    return Invoice(
        number=42,
        order_id="3f6f0c52-6f1a-4b6e-9a2e-1f1e5b7a9c11",
        bill=bill,
        seller=SELLER,
        paid=paid,
        issued_at=NOW,
        due_at=None if paid else NOW + timedelta(days=14),
    )


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf), strict=True).pages]


def test_an_invoice_says_who_what_and_how_much() -> None:
    (page,) = pages_of(print_invoice(invoice(line(1, "Gnocchi di nonna Alice"))))
    for text in (
        "Invoice",
        "000042",
        "23 November 2026",
        "10308",
        "ANATR",
        "3f6f0c52-6f1a-4b6e-9a2e-1f1e5b7a9c11",
        "Northwind Traders",
        "Tax no. US-12-3456789",
        "Gnocchi di nonna Alice",
        "1,200",
        "1,234.50",
        "2.5 %",
        "1,444,365.00",
        "32.38",
        "$1,444,397.38",
        "PAID",
        "Page 1 of 1",
    ):
        assert text in page, text


def test_names_from_all_over_europe_are_printed_as_they_are_written() -> None:
    (page,) = pages_of(print_invoice(invoice(line(1, "Ελιές Καλαμών · Пельмени · Żubrówka · Smørrebrød"))))
    for text in ("Königlich Essen", "México D.F.", "Łódź", "Constitución", "Ελιές Καλαμών", "Пельмени", "Żubrówka"):
        assert text in page, text


def test_an_unpaid_invoice_says_until_when_it_is_to_be_paid() -> None:
    (page,) = pages_of(print_invoice(invoice(line(1), paid=False)))
    assert "PAYMENT DUE" in page
    assert "7 December 2026" in page
    assert "PAID" not in page


def test_a_credit_note_names_its_invoice_and_its_reason() -> None:
    note = CreditNote(number=7, invoice=invoice(line(1)), reason="The parcel came back", issued_at=NOW)
    (page,) = pages_of(print_credit_note(note))
    for text in ("Credit note", "000007", "000042", "The parcel came back", "Total credited", "CREDITED"):
        assert text in page, text


def test_many_lines_go_on_over_pages_that_repeat_their_heading() -> None:
    pages = pages_of(print_invoice(invoice(*(line(n) for n in range(150)))))
    assert len(pages) > 3
    text = "\n".join(pages)
    assert all(text.count(f"Product {n:04d}") == 1 for n in range(150))
    with_lines = [page for page in pages if "Product" in page]
    assert all("Description" in page for page in with_lines)
    assert [f"Page {n} of {len(pages)}" in page for n, page in enumerate(pages, 1)] == [True] * len(pages)
    assert "$216,654,782.38" in pages[-1]


def test_a_paper_is_printed_to_the_same_bytes_again() -> None:
    paper = invoice(*(line(n) for n in range(30)))
    assert print_invoice(paper) == print_invoice(paper)


@pytest.mark.parametrize(
    "name",
    ["", " ", "x" * 5000, "word " * 2000, "a\x00b\x07c", "two\nlines", "日本", "\u202egnp.exe", "**bold** {nb}"],
    ids=["empty", "blank", "endless word", "endless", "control", "lines", "no glyph", "right to left", "markup"],
)
def test_no_name_breaks_the_paper(name: str) -> None:
    address = Address(name=name, street=name, city=name, country=name)
    pages = pages_of(print_invoice(invoice(line(1, name), line(2), address=address)))
    assert "Product 0002" in "\n".join(pages)
    assert "$2,888,762.38" in "\n".join(pages)


def test_an_order_without_lines_still_prints() -> None:
    (page,) = pages_of(print_invoice(invoice()))
    assert "$32.38" in page


def test_a_text_is_composed_and_freed_of_what_cannot_be_seen() -> None:
    assert clean("Me\u0301xico\u200b \x00 D.F.\n") == "México D.F."


@pytest.mark.parametrize(
    ("cents", "currency", "short", "long"),
    [
        (123_456, "USD", "1,234.56", "$1,234.56"),
        (5, "EUR", "0.05", "€0.05"),
        (-5, "EUR", "-0.05", "-€0.05"),
        (1234, "JPY", "1,234", "¥1,234"),
        (1234, "KWD", "1.234", "KWD 1.234"),
        (100, "CHF", "1.00", "CHF 1.00"),
        (10**17 + 1, "USD", "1,000,000,000,000,000.01", "$1,000,000,000,000,000.01"),
    ],
)
def test_money_is_written_as_its_currency_is(cents: int, currency: str, short: str, long: str) -> None:
    assert plain(cents, currency) == short
    assert full(cents, currency) == long


@pytest.mark.parametrize(
    ("points", "text"), [(0, ""), (1500, "15 %"), (250, "2.5 %"), (1, "0.01 %"), (10_000, "100 %")]
)
def test_a_discount_is_written_without_idle_zeros(points: int, text: str) -> None:
    assert percent(points) == text
