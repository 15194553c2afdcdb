"""Login: signing in with a token, and out again."""

from __future__ import annotations

from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from farandole_console.access.door import LOGIN, LOGOUT
from farandole_console.access.form import form_of
from farandole_console.access.policy import Policy
from farandole_console.access.session import COOKIE
from farandole_console.access.visitor import TooManyFailuresError, Visitors, address_of
from farandole_console.frame.frame import Frame

log = structlog.get_logger(__name__)

LONGEST: Final = 500
TOO_MANY: Final = "Too many wrong tokens came from your address. Wait a minute."


def login_page(frame: Frame, policy: Policy, visitors: Visitors) -> APIRouter:
    """Return the routes of the page."""

    async def show(request: Request) -> Response:
        goes_to = local_path(request.query_params.get("next", ""))
        if request.state.user is not None:
            return RedirectResponse(goes_to, 303)
        return frame.page(request, "access/login.html", next=goes_to, why="")

    async def sign_in(request: Request) -> Response:
        form = form_of(request)
        goes_to = local_path(form.get("next", ""))
        try:
            token = visitors.believed(request, form.get("token", "").strip()[:LONGEST])
        except TooManyFailuresError as failures:
            wait = {"retry-after": str(int(failures.seconds) + 1)}
            answer = frame.page(request, "access/login.html", code=429, next=goes_to, why=TOO_MANY)
            answer.headers.update(wait)
            return answer
        if token is None:
            log.warning("somebody said a wrong token", address=address_of(request))
            return frame.page(request, "access/login.html", code=401, next=goes_to, why="No such token.")
        log.info("signed in", name=token.name, role=token.role.word, address=address_of(request))
        answer = RedirectResponse(goes_to, 303)
        answer.set_cookie(
            COOKIE,
            visitors.session(token),
            max_age=int(policy.sessions.lasts.total_seconds()),
            httponly=True,
            samesite="strict",
            # Where a gateway speaks TLS for the console, the browser says so.
            secure=request.headers.get("origin", str(request.url)).startswith("https://"),
        )
        return answer

    async def sign_out() -> Response:
        answer = RedirectResponse(LOGIN if policy.tokens else "/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    router = APIRouter()
    router.add_api_route(LOGIN, show, methods=["GET"])
    router.add_api_route(LOGIN, sign_in, methods=["POST"])
    router.add_api_route(LOGOUT, sign_out, methods=["POST"])
    return router


def local_path(said: str) -> str:
    """Return a path of this console; its first page where what was said leads anywhere else."""
    leads_away = not said.startswith("/") or said.startswith(("//", "/\\")) or not said.isprintable()
    return "/" if leads_away or "\\" in said else said
