"""The console over HTTP: pages for people, JSON for tools, all behind one door."""

from __future__ import annotations

import time

from farandole import Clock
from farandole.settings import Settings
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from farandole_console.access.door import Door
from farandole_console.access.failures import Failures
from farandole_console.access.policy import policy_of
from farandole_console.access.visitor import Visitors
from farandole_console.api import api
from farandole_console.frame.frame import PACKAGE, Frame
from farandole_console.frame.refusals import refusals
from farandole_console.guard import Guard
from farandole_console.index import Index
from farandole_console.pages.flow import flow_page
from farandole_console.pages.flows import flows_page
from farandole_console.pages.login import login_page
from farandole_console.pages.overview import overview_page
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings


@service.http
def create_app(index: Index, settings: Settings, console: ConsoleSettings, clock: Clock) -> FastAPI:
    """Return the application. Raises StartError where strangers could come in."""
    policy = policy_of(settings, console)
    frame = Frame(policy.seal)
    visitors = Visitors(policy, failures=Failures(time.monotonic), now=clock.now)
    app = FastAPI(
        title="Farandole",
        # No page that describes the API: FastAPI's own loads its scripts from elsewhere.
        openapi_url=None,
        middleware=[
            Middleware(Guard),
            Middleware(Door, policy=policy, visitors=visitors, frame=frame),
        ],
        exception_handlers=refusals(frame),
    )
    app.include_router(login_page(frame, policy, visitors))
    app.include_router(overview_page(frame))
    app.include_router(flows_page(frame, index))
    app.include_router(flow_page(frame, index))
    app.include_router(api(index))
    app.mount("/static", StaticFiles(packages=[(PACKAGE, "static")]))
    return app
