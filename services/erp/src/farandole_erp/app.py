"""The HTTP side of the service: what was posted, for whoever audits. Read only."""

from __future__ import annotations

from farandole import Store
from farandole.http.page import pair, paired_page_of
from farandole.http.refusal import REFUSALS
from sqlalchemy import select, tuple_
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_erp.tables import postings


def create_app(store: Store) -> Starlette:
    """Return the application that lists postings."""

    async def list_postings(request: Request) -> Response:
        page = paired_page_of(request.query_params)
        own = (postings.c.order_id, postings.c.stage)
        statement = select(postings).where(tuple_(*own) > page.after).order_by(*own).limit(page.limit)
        async with store.reading() as work:
            rows = (await work.execute(statement)).mappings().all()
        shown = [{**row, "posted_at": row["posted_at"].isoformat()} for row in rows]
        following = page.following(rows, lambda row: pair(row["order_id"], row["stage"]))
        return JSONResponse({"postings": shown, "next": following})

    return Starlette(routes=[Route("/postings", list_postings)], exception_handlers=REFUSALS)
