"""The HTTP side of the service: what customers were told, for whoever audits. Read only."""

from __future__ import annotations

from farandole import Store
from farandole.http.page import pair, paired_page_of
from farandole.http.refusal import REFUSALS
from sqlalchemy import select, tuple_
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farandole_crm.tables import notifications


def create_app(store: Store) -> Starlette:
    """Return the application that lists notifications."""

    async def list_notifications(request: Request) -> Response:
        page = paired_page_of(request.query_params)
        own = (notifications.c.order_id, notifications.c.template)
        statement = select(notifications).where(tuple_(*own) > page.after).order_by(*own).limit(page.limit)
        async with store.reading() as work:
            rows = (await work.execute(statement)).mappings().all()
        shown = [{**row, "sent_at": row["sent_at"].isoformat()} for row in rows]
        following = page.following(rows, lambda row: pair(row["order_id"], row["template"]))
        return JSONResponse({"notifications": shown, "next": following})

    return Starlette(routes=[Route("/notifications", list_notifications)], exception_handlers=REFUSALS)
