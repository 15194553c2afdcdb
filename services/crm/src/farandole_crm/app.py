"""The HTTP side of the service: what customers were told, for whoever audits. Read only."""

from __future__ import annotations

from farandole import Store
from sqlalchemy import select, tuple_
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_crm.page import PageError, cursor, page_of
from farandole_crm.tables import notifications


def create_app(store: Store) -> Starlette:
    """Return the application that lists notifications."""

    async def list_notifications(request: Request) -> Response:
        try:
            page = page_of(request.query_params)
        except PageError as error:
            return JSONResponse({"error": "bad_request", "reason": str(error)}, status_code=400)
        own = (notifications.c.order_id, notifications.c.template)
        statement = select(notifications).where(tuple_(*own) > page.after).order_by(*own).limit(page.limit)
        async with store.reading() as work:
            rows = (await work.execute(statement)).mappings().all()
        shown = [{**row, "sent_at": row["sent_at"].isoformat()} for row in rows]
        following = cursor(rows[-1]["order_id"], rows[-1]["template"]) if len(rows) == page.limit else None
        return JSONResponse({"notifications": shown, "next": following})

    return Starlette(routes=[Route("/notifications", list_notifications)])
