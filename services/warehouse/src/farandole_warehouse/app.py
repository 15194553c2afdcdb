"""The HTTP side of the warehouse: what became of each order, for whoever audits. Read only."""

from __future__ import annotations

from farandole import Store
from farandole.http.page import page_of
from farandole.http.refusal import REFUSALS
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_warehouse.tables import fulfilments

# The reservation holds a name and an address: an audit has no need of them.
_SHOWN = (
    fulfilments.c.order_id,
    fulfilments.c.state,
    fulfilments.c.reservation.is_not(None).label("reserved"),
    fulfilments.c.authorised,
    fulfilments.c.packed_by,
    fulfilments.c.package_id,
    fulfilments.c.parcels,
    fulfilments.c.reason,
)


def create_app(store: Store) -> Starlette:
    """Return the application that lists packages."""

    async def list_packages(request: Request) -> Response:
        page = page_of(request.query_params)
        own = fulfilments.c.order_id
        statement = select(*_SHOWN).where(own > page.after).order_by(own).limit(page.limit)
        async with store.reading() as work:
            rows = (await work.execute(statement)).mappings().all()
        following = page.following(rows, lambda row: str(row["order_id"]))
        return JSONResponse({"packages": [dict(row) for row in rows], "next": following})

    return Starlette(routes=[Route("/packages", list_packages)], exception_handlers=REFUSALS)
