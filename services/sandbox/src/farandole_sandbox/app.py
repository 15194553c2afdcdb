"""The sandbox's HTTP application: every outside system, the switchboard and the books."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farandole_sandbox import book_pages, carriers, crm, erp, fault_desk, gateway, suppliers, wms
from farandole_sandbox.desk import json_response
from farandole_sandbox.gate import Gate
from farandole_sandbox.sandbox import Sandbox


def create_app(sandbox: Sandbox) -> Starlette:
    """Return the application of an open sandbox; the sandbox must stay open as long as it is served."""

    async def live(_: Request) -> Response:
        return json_response({"status": "live"})

    async def ready(_: Request) -> Response:
        await sandbox.books.perform(lambda connection: connection.execute("SELECT 1").fetchone())
        return json_response({"status": "ready"})

    systems = (gateway, erp, crm, wms, carriers, suppliers, fault_desk, book_pages)
    health = [Route("/health/live", live), Route("/health/ready", ready)]
    return Starlette(
        routes=[*(route for system in systems for route in system.routes(sandbox)), *health],
        middleware=[Middleware(Gate, sandbox=sandbox)],
    )
