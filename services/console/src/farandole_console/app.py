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
from farandole_console.acting.actor import Actor
from farandole_console.acting.jobs import Jobs
from farandole_console.acting.mesh import Mesh
from farandole_console.api import api
from farandole_console.dead_letters.boards import Boards
from farandole_console.frame.frame import PACKAGE, Frame
from farandole_console.frame.refusals import refusals
from farandole_console.guard import Guard
from farandole_console.index import Index
from farandole_console.live.declared import Declarations
from farandole_console.live.gatherer import Gatherer
from farandole_console.pages.audit import audit_page
from farandole_console.pages.breakers import breakers_page
from farandole_console.pages.dead_letter_deeds import dead_letter_deeds
from farandole_console.pages.dead_letters import dead_letters_page
from farandole_console.pages.events import events_page
from farandole_console.pages.flow import flow_page
from farandole_console.pages.flows import flows_page
from farandole_console.pages.jobs import jobs_page
from farandole_console.pages.login import login_page
from farandole_console.pages.overview import overview_page
from farandole_console.pages.replay import replay_page
from farandole_console.pages.reveal import reveal_page
from farandole_console.pages.schemas import schemas_page
from farandole_console.pages.services import services_page
from farandole_console.pages.topology import topology_page
from farandole_console.payloads.payloads import Payloads
from farandole_console.promises.promises import Promises
from farandole_console.service import service
from farandole_console.settings import ConsoleSettings
from farandole_console.told_flow import FlowTeller


@service.http
def create_app(  # noqa: PLR0917 - the library calls it, with what it is annotated with
    index: Index,
    promises: Promises,
    settings: Settings,
    console: ConsoleSettings,
    clock: Clock,
    gatherer: Gatherer,
    declarations: Declarations,
    jobs: Jobs,
    actor: Actor,
    mesh: Mesh,
    payloads: Payloads,
    boards: Boards,
) -> FastAPI:
    """Return the application. Raises StartError where strangers could come in."""
    policy = policy_of(settings, console)
    frame = Frame(policy.seal)
    teller = FlowTeller(index=index, sight=lambda: gatherer.sight, declarations=declarations, clock=clock)
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
    for page in (
        login_page(frame, policy, visitors),
        overview_page(frame, gatherer, boards, promises),
        topology_page(frame, gatherer, declarations),
        services_page(frame, gatherer, declarations),
        breakers_page(frame, gatherer),
        events_page(frame, index, payloads, gatherer),
        flows_page(frame, index, promises),
        flow_page(frame, teller),
        schemas_page(frame, declarations),
        jobs_page(frame, gatherer, jobs, actor, mesh),
        audit_page(frame, gatherer),
        dead_letters_page(frame, boards, actor),
        dead_letter_deeds(boards, actor, jobs),
        replay_page(frame, jobs, actor, mesh),
        reveal_page(frame, actor, mesh, payloads),
        api(index, promises, teller),
    ):
        app.include_router(page)
    app.mount("/static", StaticFiles(packages=[(PACKAGE, "static")]))
    return app
