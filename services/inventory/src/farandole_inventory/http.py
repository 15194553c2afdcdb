"""The inventory's HTTP application: what is on the shelves, and what became of each order. It only reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from farandole import Store, UnitOfWork
from sqlalchemy import RowMapping, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_inventory.tables import backorders, reservation_lines, reservations, stock

_FEWEST: Final = 1
_MOST: Final = 1_000
_DEFAULT: Final = 100
_LARGEST_POSITION: Final = 2**63 - 1


def create_app(store: Store) -> Starlette:
    """Return the application: ``GET /stock`` and ``GET /reservations?after=POSITION&limit=COUNT``."""

    async def shelves(_: Request) -> Response:
        async with store.reading() as work:
            rows = (await work.execute(select(stock).order_by(stock.c.product_id))).mappings().all()
        return JSONResponse({"products": [_product(row) for row in rows]})

    async def outcomes(request: Request) -> Response:
        after = _number(request, "after", default=0, fewest=0, most=_LARGEST_POSITION)
        limit = _number(request, "limit", default=_DEFAULT, fewest=_FEWEST, most=_MOST)
        if isinstance(after, str) or isinstance(limit, str):
            reasons = [reason for reason in (after, limit) if isinstance(reason, str)]
            return JSONResponse({"error": "bad_request", "reason": "; ".join(reasons)}, status_code=400)
        async with store.reading() as work:
            found = await _reservations(work, after, limit)
        return JSONResponse({"reservations": found, "next": found[-1]["position"] if len(found) == limit else None})

    return Starlette(routes=[Route("/stock", shelves), Route("/reservations", outcomes)])


def _number(request: Request, name: str, *, default: int, fewest: int, most: int) -> int | str:
    """Return a query parameter as a number within its bounds, or what is wrong with it."""
    said = request.query_params.get(name, str(default))
    if said.isascii() and said.isdigit() and len(said) < 20 and fewest <= int(said) <= most:
        return int(said)
    return f"{name} must be a number from {fewest} to {most}"


def _product(row: RowMapping) -> dict[str, Any]:
    available = row["initial"] + row["received"] - row["reserved"] + row["released"]
    return {**row, "available": available, "free": available - row["waiting"]}


async def _reservations(work: UnitOfWork, after: int, limit: int) -> list[dict[str, Any]]:
    page = (
        select(reservations, backorders.c.deadline)
        .outerjoin(backorders, backorders.c.order_id == reservations.c.order_id)
        .where(reservations.c.position > after)
        .order_by(reservations.c.position)
        .limit(limit)
    )
    rows = (await work.execute(page)).mappings().all()
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
