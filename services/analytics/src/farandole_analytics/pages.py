"""Pages: the figures over HTTP. Read only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from farandole.http.page import number_of
from farandole.http.refusal import REFUSALS, RequestRefusedError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from farandole_analytics.figures import By
from farandole_analytics.minutes import Line, Minutes
from farandole_analytics.sale import minute_of

USUAL_MINUTES: Final = 60
MOST_MINUTES: Final = 24 * 60
_NAMES: Final = {By.PRODUCT: "product_id", By.COUNTRY: "country"}


def create_pages(minutes: Minutes) -> ASGIApp:
    """Return the application that shows the figures."""

    async def sales(request: Request) -> Response:
        said = request.query_params
        by, before = said.get("by", By.TOTAL), said.get("before")
        if by not in set(By):
            raise RequestRefusedError(f"by must be one of {', '.join(By)}")
        limit = number_of(said, "limit", usual=USUAL_MINUTES, fewest=1, most=MOST_MINUTES)
        earliest = _minute(before) if before is not None else None
        if before is not None and earliest is None:
            raise RequestRefusedError("before must be a minute, as 2026-11-23T12:30Z")
        lines = minutes.lines(By(by), before=earliest, minutes=limit)
        return JSONResponse({"by": by, "minutes": [_shown(line) for line in lines]})

    return Starlette(routes=[Route("/sales/minutes", sales)], exception_handlers=REFUSALS)


def _shown(line: Line) -> Mapping[str, Any]:
    named = {_NAMES[line.part.by]: line.part.name} if line.part.by in _NAMES else {}
    return {
        "minute": line.window,
        **named,
        "orders": line.figures.orders,
        "units": line.figures.units,
        "revenue_cents": line.figures.revenue_cents,
        "currency": line.part.currency,
    }


def _minute(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return minute_of(moment.replace(tzinfo=moment.tzinfo or UTC))
