"""Pages: the papers over HTTP, as JSON and printed. Read only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from farandole.http.page import LARGEST_NUMBER, numbered_page_of
from farandole.http.refusal import REFUSALS, refusal
from farandole_events.types import BillTo
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from farandole_invoicing.archive import Archive
from farandole_invoicing.paper import CreditNote, Invoice
from farandole_invoicing.printing import print_credit_note, print_invoice, written
from farandole_invoicing.service import service


class Pages:
    """Shows and prints what the archive has."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        # Setting a page takes tens of milliseconds of CPU, which deliveries need too: one at a time.
        self._press = asyncio.Semaphore(1)

    async def invoices(self, request: Request) -> Response:
        """Show a page of invoices."""
        page = numbered_page_of(request.query_params)
        papers = await self._archive.invoices(after=page.after, limit=page.limit)
        following = page.following(papers, lambda last: last.number)
        return JSONResponse({"invoices": [shown(one) for one in papers], "next": following})

    async def invoice(self, request: Request) -> Response:
        """Show one invoice with its bill."""
        found = await self._archive.invoice(_number(request))
        return _missing("invoice") if found is None else JSONResponse({**shown(found), "bill": _bill(found.bill)})

    async def printed_invoice(self, request: Request) -> Response:
        """Print one invoice."""
        found = await self._archive.invoice(_number(request))
        if found is None:
            return _missing("invoice")
        return await self._printed(f"invoice-{written(found.number)}", partial(print_invoice, found))

    async def credit_notes(self, request: Request) -> Response:
        """Show a page of credit notes."""
        page = numbered_page_of(request.query_params)
        papers = await self._archive.credit_notes(after=page.after, limit=page.limit)
        following = page.following(papers, lambda last: last.number)
        return JSONResponse({"credit_notes": [credit_shown(one) for one in papers], "next": following})

    async def credit_note(self, request: Request) -> Response:
        """Show one credit note."""
        found = await self._archive.credit_note(_number(request))
        return _missing("credit note") if found is None else JSONResponse(credit_shown(found))

    async def printed_credit_note(self, request: Request) -> Response:
        """Print one credit note."""
        found = await self._archive.credit_note(_number(request))
        if found is None:
            return _missing("credit note")
        return await self._printed(f"credit-note-{written(found.number)}", partial(print_credit_note, found))

    async def _printed(self, name: str, printing: Callable[[], bytes]) -> Response:
        async with self._press:
            pdf = await run_in_threadpool(printing)
        headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
        return Response(pdf, media_type="application/pdf", headers=headers)


@service.http
def create_app(archive: Archive) -> ASGIApp:
    """Return the application that shows and prints invoices and credit notes."""
    pages = Pages(archive)
    return Starlette(
        routes=[
            Route("/invoices", pages.invoices),
            Route("/invoices/{number:int}.pdf", pages.printed_invoice),
            Route("/invoices/{number:int}", pages.invoice),
            Route("/credit-notes", pages.credit_notes),
            Route("/credit-notes/{number:int}.pdf", pages.printed_credit_note),
            Route("/credit-notes/{number:int}", pages.credit_note),
        ],
        exception_handlers=REFUSALS,
    )


def shown(invoice: Invoice) -> dict[str, Any]:
    """Return an invoice as JSON shows it in a list."""
    return {
        "number": invoice.number,
        "order_id": invoice.order_id,
        "customer_id": invoice.bill.customer_id,
        "total_cents": invoice.bill.total_cents,
        "currency": invoice.bill.currency,
        "paid": invoice.paid,
        "issued_at": invoice.issued_at.isoformat(),
        "due_at": invoice.due_at.isoformat() if invoice.due_at else None,
    }


def credit_shown(note: CreditNote) -> dict[str, Any]:
    """Return a credit note as JSON shows it."""
    return {
        "number": note.number,
        "invoice_number": note.invoice.number,
        "order_id": note.invoice.order_id,
        "total_cents": note.invoice.bill.total_cents,
        "currency": note.invoice.bill.currency,
        "reason": note.reason,
        "issued_at": note.issued_at.isoformat(),
    }


def _bill(bill: BillTo) -> Any:
    return msgspec.to_builtins(bill)


def _number(request: Request) -> int:
    number: int = request.path_params["number"]
    return min(number, LARGEST_NUMBER)


def _missing(what: str) -> Response:
    return refusal(404, "not_found", f"there is no {what} of that number")
