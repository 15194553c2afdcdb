"""Door: the one way in. It knows who comes, turns strangers away, and lets nothing be changed by a foreign page."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Final
from urllib.parse import quote

import structlog
from farandole.http.refusal import RequestRefusedError, refusal
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farandole_console.access.form import SEALED, read_form
from farandole_console.access.origin import UNCHANGING, host_of, is_loopback, not_ours
from farandole_console.access.policy import Policy
from farandole_console.access.role import Role
from farandole_console.access.user import User
from farandole_console.access.visitor import VISIT, TooManyFailuresError, Visitors, address_of, visit_of
from farandole_console.frame.frame import Frame
from farandole_console.frame.refusals import FOR_TOOLS

log = structlog.get_logger(__name__)

LOGIN: Final = "/login"
LOGOUT: Final = "/logout"
OPEN: Final = ("/static/",)
"""What strangers may have: it says nothing of the mesh."""


class Door:
    """Middleware. What lies behind it finds the user and the form in the request's state (``user``, ``form``)."""

    def __init__(self, app: ASGIApp, *, policy: Policy, visitors: Visitors, frame: Frame) -> None:
        self._app = app
        self._policy = policy
        self._visitors = visitors
        self._frame = frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            return  # there are no web sockets here
        request = Request(scope, receive)
        request.state.form = {}
        request.state.user = None
        request.state.visit = visit_of(request) or token_urlsafe(16)
        answer = await self._turned_away(request)
        app = self._app if answer is None else answer
        await app(scope, receive, self._remembering(request, send))

    async def _turned_away(self, request: Request) -> Response | None:
        """Return why a request is not let in, as an answer; None where it is."""
        path = request.url.path
        if self._policy.anybody is not None and not is_loopback(host_of(request.headers.get("host", ""))):
            # A name of somebody else's that leads to this machine: his page would read ours.
            return self._no(request, 421, "this console answers to localhost and 127.0.0.1 only")
        if path.startswith(OPEN):
            return None
        try:
            user = self._visitors.of(request)
        except TooManyFailuresError as failures:
            return self._wait(request, failures)
        request.state.user = user
        if request.method not in UNCHANGING:
            return await self._changing(request, user)
        return None if user is not None or path == LOGIN else self._stranger(request)

    async def _changing(self, request: Request, user: User | None) -> Response | None:
        path = request.url.path
        if user is None and path != LOGIN:
            return self._stranger(request)
        by_tool = user is not None and user.means == "token" and not user.visit
        if not by_tool:
            why = not_ours(request.headers, public=self._policy.public)
            if why:
                return self._refused(request, why)
        try:
            form = await read_form(request)
        except RequestRefusedError as refused:
            return self._no(request, refused.status_code, refused.reason)
        if not by_tool and not self.is_sealed(request, form.get(SEALED, "")):
            return self._refused(request, "it is not a form that this console gave to this browser; open it again")
        if user is not None and not user.may(Role.OPERATOR) and path not in {LOGIN, LOGOUT}:
            return self._refused(request, f"it takes an operator, and {user.name} is a {user.role.word}")
        request.state.form = form
        return None

    def is_sealed(self, request: Request, mark: str) -> bool:
        """Tell whether a form was given to this browser and this user."""
        visit = visit_of(request)
        return bool(visit) and self._policy.seal.holds("form", self._frame.whose(request), mark)

    def _stranger(self, request: Request) -> Response:
        if request.url.path.startswith(FOR_TOOLS) or "authorization" in request.headers:
            headers = {"www-authenticate": "Bearer"}
            return refusal(401, "not_signed_in", "say who you are: Authorization: Bearer TOKEN", headers=headers)
        if request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET":
            # A link on another site led here, and with such a request the browser sends no strict cookie.
            return self._frame.page(request, "access/arriving.html", path=_path(request))
        if self._policy.tokens:
            return RedirectResponse(f"{LOGIN}?next={quote(_path(request), safe='')}", 303)
        return self._no(request, 401, "sign in at the proxy: it named nobody whose group has a role here")

    def _wait(self, request: Request, failures: TooManyFailuresError) -> Response:
        log.warning("signing in failed too often", address=address_of(request))
        answer = self._no(request, 429, "too many wrong tokens came from your address; wait a minute")
        answer.headers["retry-after"] = str(int(failures.seconds) + 1)
        return answer

    def _refused(self, request: Request, why: str) -> Response:
        log.warning("a request was refused", path=request.url.path, address=address_of(request), reason=why)
        return self._no(request, 403, why)

    def _no(self, request: Request, status: int, why: str) -> Response:
        if request.url.path.startswith(FOR_TOOLS):
            return refusal(status, "refused", why)
        return self._frame.problem(request, status, why)

    def _remembering(self, request: Request, send: Send) -> Send:
        async def remembered(message: Message) -> None:
            if message["type"] == "http.response.start" and not visit_of(request):
                cookie = f"{VISIT}={request.state.visit}; Path=/; HttpOnly; SameSite=Strict"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        return remembered


def _path(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
