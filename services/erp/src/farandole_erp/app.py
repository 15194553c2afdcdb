"""The HTTP side of the service: what was posted, for whoever audits. Read only."""

from __future__ import annotations

from farandole import Store
from sqlalchemy import select, tuple_
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_erp.page import PageError, cursor, page_of
from farandole_erp.tables import postings


def create_app(store: Store) -> Starlette:
    """Return the application that lists postings."""

    async def list_postings(request: Request) -> Response:
        try:
            page = page_of(request.query_params)
        except PageError as error:
            return JSONResponse({"error": "bad_request", "reason": str(error)}, status_code=400)
        own = (postings.c.order_id, postings.c.stage)
        statement = select(postings).where(tuple_(*own) > page.after).order_by(*own).limit(page.limit)
        async with store.reading() as work:
            rows = (await work.execute(statement)).mappings().all()
        shown = [{**row, "posted_at": row["posted_at"].isoformat()} for row in rows]
        following = cursor(rows[-1]["order_id"], rows[-1]["stage"]) if len(rows) == page.limit else None
        return JSONResponse({"postings": shown, "next": following})

    return Starlette(routes=[Route("/postings", list_postings)])
