"""Frame: makes the pages of the console. Templates escape whatever they are given."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, Final

from farandole.errors import FarandoleError
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from farandole_console.access.role import Role
from farandole_console.access.seal import Seal
from farandole_console.access.user import User
from farandole_console.frame import words
from farandole_console.frame.navigation import PARTS

PACKAGE: Final = "farandole_console"


class Frame:
    """Puts a page together: its template, the navigation around it, and the seal of its forms.

    Each template finds what the page gives it, and besides ``user`` (None on the page for strangers), ``here`` (the
    path), ``asked`` (the query's parameters), ``parts`` (the navigation), ``sealed`` (the value of the hidden field of
    that name, which every form that changes something needs), ``static`` (a file's address) and what `words` has.
    """

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._environment = Environment(
            loader=PackageLoader(PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        known: dict[str, Any] = {
            "static": static,
            "parts": PARTS,
            "Role": Role,
            "link": words.link,
            "moment": words.moment,
            "clock": words.clock,
            "short": words.short,
            "depth": words.depth,
            "number": words.number,
            "lasting": words.lasting,
            "part": words.part,
            "json": words.json,
        }
        self._environment.globals.update(known)

    def page(self, request: Request, template: str, *, code: int = 200, **given: Any) -> Response:
        """Return a page: a file of ``templates/``, with what it shows."""
        user: User | None = request.state.user
        shown = self._environment.get_template(template).render(
            user=user,
            here=request.url.path,
            asked=dict(request.query_params),
            sealed=self._seal.mark("form", self.whose(request)),
            **given,
        )
        return HTMLResponse(shown, code, headers={"cache-control": "no-store"})

    def problem(self, request: Request, status: int, what: str, *, error: FarandoleError | None = None) -> Response:
        """Return the page that says what went wrong: of an error also why, and what to do."""
        return self.page(request, "frame/problem.html", code=status, status=status, what=what, error=error)

    def whose(self, request: Request) -> str:
        """Return what a form is sealed with: the browser, and who uses it."""
        user: User | None = request.state.user
        return f"{request.state.visit}\x00{user.name if user is not None else ''}"


@cache
def static(path: str) -> str:
    """Return the address of a static file. It changes with what is in the file, so that no old one is used."""
    content = resources.files(PACKAGE).joinpath("static", *path.split("/")).read_bytes()
    return f"/static/{path}?{sha256(content).hexdigest()[:12]}"
