"""Book pages: the books over HTTP."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farandole_sandbox import audit
from farandole_sandbox.answer import refused
from farandole_sandbox.desk import json_response, respond
from farandole_sandbox.sandbox import Sandbox, flush_calls

_USUAL_PAGE: Final = 500
_LARGEST_PAGE: Final = 5000


class BookPages:
    """Reads beside the writer: a page shows what was committed when it was asked for."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._books = sandbox.books

    async def orders(self, request: Request) -> Response:
        """Show a page of orders."""
        after = request.query_params.get("after", "")
        page = await self._books.read(partial(audit.orders, after=after, limit=_limit(request)))
        # The counts cost a scan: they come with the first page only.
        return json_response(page if after else {"summary": await self._summary(), **page})

    async def order(self, request: Request) -> Response:
        """Show one order."""
        order_id = request.path_params["order_id"]
        found = await self._books.read(partial(audit.order, order_id=order_id))
        if found is None:
            return respond(refused(404, "not_found", f"the books know no order {order_id[:64]}"))
        return json_response(found)

    async def effects(self, request: Request) -> Response:
        """Show a page of effects."""
        kind = request.query_params.get("kind")
        page = partial(audit.effects, after=_number(request, "after", 0), limit=_limit(request), kind=kind)
        return json_response(await self._books.read(page))

    async def webhooks(self, request: Request) -> Response:
        """Show a page of webhooks."""
        page = partial(audit.webhooks, after=request.query_params.get("after", ""), limit=_limit(request))
        return json_response(await self._books.read(page))

    async def calls(self, request: Request) -> Response:
        """Show the calls of each second."""
        await self._count()
        page = partial(audit.calls, after=_number(request, "after", 0), limit=_limit(request))
        return json_response(await self._books.read(page))

    async def doubles(self, _: Request) -> Response:
        """Show every business key with more than one effect."""
        return json_response({"doubles": await self._books.read(audit.doubles)})

    async def summary(self, _: Request) -> Response:
        """Show the counts."""
        return json_response(await self._summary())

    async def _summary(self) -> dict[str, Any]:
        await self._count()
        return await self._books.read(audit.summary)

    async def _count(self) -> None:
        # The writer works in order: once it has done nothing for us, it has added the calls counted before.
        flush_calls(self._sandbox)
        await self._books.perform(lambda _: None)


def _limit(request: Request) -> int:
    return max(1, min(_number(request, "limit", _USUAL_PAGE), _LARGEST_PAGE))


def _number(request: Request, name: str, otherwise: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else otherwise


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes of the books."""
    pages = BookPages(sandbox)
    return [
        Route("/books", pages.orders),
        Route("/books/summary", pages.summary),
        Route("/books/doubles", pages.doubles),
        Route("/books/effects", pages.effects),
        Route("/books/webhooks", pages.webhooks),
        Route("/books/calls", pages.calls),
        Route("/books/orders/{order_id}", pages.order),
    ]
