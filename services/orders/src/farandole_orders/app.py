"""App: the order service's HTTP application, put together from its parts."""

from __future__ import annotations

from farandole import Clock, Outbox, Store
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse

from farandole_orders import docs_page, problems
from farandole_orders.acceptance import Acceptance
from farandole_orders.body_limit import BodyLimit
from farandole_orders.cancellation import CancellationDesk
from farandole_orders.client import Clients
from farandole_orders.idempotency import IdempotencyKeys
from farandole_orders.listing import Listing
from farandole_orders.openapi import describe_problems
from farandole_orders.rate_limit import Rate, RateLimit, RateLimiter
from farandole_orders.routes import create_router
from farandole_orders.settings import OrdersSettings
from farandole_orders.turnstile import Turnstile


def create_app(store: Store, outbox: Outbox, settings: OrdersSettings, clock: Clock) -> FastAPI:
    """Return the application. It belongs to the event loop of its store."""
    clients = Clients(settings.client_keys)
    limiter = RateLimiter(Rate(per_second=settings.rate_per_second, burst=settings.burst), clock)
    keys = IdempotencyKeys(window=settings.idempotency_window, clock=clock)
    turnstile = Turnstile(store, width=settings.store_width)
    app = FastAPI(
        title="Orders",
        summary="Place orders and follow them.",
        version="1",
        # FastAPI's own page loads its scripts from elsewhere; ours needs nothing that is not here.
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(RateLimit, limiter=limiter, clients=clients),
            Middleware(BodyLimit, limit=settings.body_limit, timeout=settings.body_timeout),
        ],
    )
    problems.install(app)
    describe_problems(app)

    @app.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def show_docs() -> HTMLResponse:  # pyright: ignore[reportUnusedFunction] - FastAPI calls it
        return HTMLResponse(docs_page.render(app.openapi()))

    app.include_router(
        create_router(
            acceptance=Acceptance(turnstile=turnstile, outbox=outbox, keys=keys, clock=clock),
            desk=CancellationDesk(turnstile=turnstile, outbox=outbox, keys=keys, clock=clock),
            listing=Listing(turnstile),
            clients=clients,
        )
    )
    return app
