"""The inventory's HTTP application: what is on the shelves, and what became of each order. It only reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farandole import Store, UnitOfWork
from farandole.http.page import Page, numbered_page_of
from farandole.http.refusal import REFUSALS
from sqlalchemy import RowMapping, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_inventory.tables import backorders, reservation_lines, reservations, stock


def create_app(store: Store) -> Starlette:
    """Return the application: ``GET /stock`` and ``GET /reservations?after=POSITION&limit=COUNT``."""

    async def shelves(_: Request) -> Response:
        async with store.reading() as work:
            rows = (await work.execute(select(stock).order_by(stock.c.product_id))).mappings().all()
        return JSONResponse({"products": [_product(row) for row in rows]})

    async def outcomes(request: Request) -> Response:
        page = numbered_page_of(request.query_params)
        async with store.reading() as work:
            found = await _reservations(work, page)
        following = page.following(found, lambda last: int(last["position"]))
        return JSONResponse({"reservations": found, "next": following})

    routes = [Route("/stock", shelves), Route("/reservations", outcomes)]
    return Starlette(routes=routes, exception_handlers=REFUSALS)


def _product(row: RowMapping) -> dict[str, Any]:
    available = row["initial"] + row["received"] - row["reserved"] + row["released"]
    return {**row, "available": available, "free": available - row["waiting"]}


async def _reservations(work: UnitOfWork, page: Page[int]) -> list[dict[str, Any]]:
    statement = (
        select(reservations, backorders.c.deadline)
        .outerjoin(backorders, backorders.c.order_id == reservations.c.order_id)
        .where(reservations.c.position > page.after)
        .order_by(reservations.c.position)
        .limit(page.limit)
    )
    rows = (await work.execute(statement)).mappings().all()
    lines: dict[str, list[Mapping[str, Any]]] = {row["order_id"]: [] for row in rows}
    own = select(reservation_lines).where(reservation_lines.c.order_id.in_(list(lines)))
    for line in (await work.execute(own.order_by(reservation_lines.c.product_id))).mappings():
        lines[line["order_id"]].append({"product_id": line["product_id"], "quantity": line["quantity"]})
    return [
        {
            **row,
            "changed_at": row["changed_at"].isoformat(),
            "deadline": row["deadline"].isoformat() if row["deadline"] else None,
            "lines": lines[row["order_id"]],
        }
        for row in rows
    ]
