"""Fault desk: switching faults on and off over HTTP, from this machine only."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farandole_sandbox.answer import Answer, refused
from farandole_sandbox.desk import Endpoint, json_response, read_body, respond
from farandole_sandbox.faults import Fault
from farandole_sandbox.sandbox import Sandbox
from farandole_sandbox.switchboard import Switch, Switchboard


class FaultDesk:
    """The endpoints of the switchboard."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    async def switch_on(self, request: Request) -> Response:
        """Switch a fault on."""
        body = await read_body(request)
        if isinstance(body, Answer):
            return respond(body)
        try:
            fault = msgspec.json.decode(body, type=Fault)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return respond(refused(400, "bad_request", str(error)))
        if fault.until is not None and fault.until.tzinfo is None:
            return respond(refused(400, "bad_request", "until needs a time zone"))
        return json_response(_shown(await self._switchboard.switch_on(fault)), 201)

    async def show(self, _: Request) -> Response:
        """Show the faults that are on."""
        return json_response({"faults": [_shown(switch) for switch in self._switchboard.on()]})

    async def switch_off_all(self, _: Request) -> Response:
        """Switch every fault off."""
        return json_response({"switched_off": await self._switchboard.switch_off()})

    async def switch_off(self, request: Request) -> Response:
        """Switch one fault off."""
        fault_id = request.path_params["fault_id"]
        if await self._switchboard.switch_off(fault_id) == 0:
            return respond(refused(404, "not_found", f"there is no fault {fault_id[:64]}"))
        return json_response({"switched_off": 1})


def _shown(switch: Switch) -> dict[str, Any]:
    return {"fault_id": switch.id, "seen": switch.seen, "hits": switch.hits, **msgspec.to_builtins(switch.fault)}


def _here_only(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        # The peer of the connection, not what a header claims.
        if request.client is None or not _is_loopback(request.client.host):
            return respond(refused(403, "not_here", "faults are switched from the machine that runs the sandbox"))
        return await endpoint(request)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes of the switchboard; none when the settings say that there are no faults here."""
    if not sandbox.settings.sandbox_faults:
        return []
    desk = FaultDesk(sandbox.switchboard)
    return [
        Route("/faults", _here_only(desk.switch_on), methods=["POST"]),
        Route("/faults", _here_only(desk.show), methods=["GET"]),
        Route("/faults", _here_only(desk.switch_off_all), methods=["DELETE"]),
        Route("/faults/{fault_id}", _here_only(desk.switch_off), methods=["DELETE"]),
    ]
