"""The ASGI application of a service's process: health, status and metrics, with the service's own routes beneath."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

Status = Callable[[], Mapping[str, Any]]


def create_app(*, status: Status, registry: CollectorRegistry, own: ASGIApp | None) -> Starlette:
    """Return the application.

    ``/health/live`` says that the event loop turns, ``/health/ready`` that requests are taken: neither depends on
    Kafka, Redis or a breaker, because a restart mends none of them. ``/status`` tells everything, with reasons.
    """

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def tell(_: Request) -> Response:
        return JSONResponse(dict(status()))

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    routes: list[BaseRoute] = [
        Route("/health/live", alive),
        Route("/health/ready", alive),
        Route("/health/startup", alive),
        Route("/status", tell),
        Route("/metrics", metrics),
    ]
    if own is not None:
        routes.append(Mount("/", app=own))
    return Starlette(routes=routes)
