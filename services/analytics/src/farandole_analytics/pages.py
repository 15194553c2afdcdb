"""Pages: the figures over HTTP. Read only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

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
            return _refused("by", f"by is one of {', '.join(By)}")
        limit = _whole(said.get("limit", str(USUAL_MINUTES)))
        if not 1 <= limit <= MOST_MINUTES:
            return _refused("limit", f"limit is a number of minutes from 1 to {MOST_MINUTES}")
        earliest = _minute(before) if before is not None else None
        if before is not None and earliest is None:
            return _refused("before", "before is a minute, as 2026-11-23T12:30Z")
        lines = minutes.lines(By(by), before=earliest, minutes=limit)
        return JSONResponse({"by": by, "minutes": [_shown(line) for line in lines]})

    return Starlette(routes=[Route("/sales/minutes", sales)])


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


def _refused(error: str, reason: str) -> Response:
    return JSONResponse({"error": error, "reason": reason}, 422)


def _whole(text: str) -> int:
    """Read a number; 0 where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_MINUTES)) else 0


def _minute(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return minute_of(moment.replace(tzinfo=moment.tzinfo or UTC))
