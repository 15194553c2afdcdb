"""Pages: the HTML of the console. Templates escape whatever they are given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from farandole_console.causation import Branch
from farandole_console.flow import Flow
from farandole_console.indexed_event import IndexedEvent

DEEPEST: Final = 12
"""Deeper branches are not moved further to the right: they would leave a phone's screen."""

_environment: Final = Environment(
    loader=PackageLoader("farandole_console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def flows(rows: Sequence[Flow], *, key: str, following: str | None) -> Response:
    """Return the list of flows; ``following`` is the mark of the next page, if there is one."""
    further = None
    if following is not None:
        further = "?" + urlencode({"before": following, **({"key": key} if key else {})})
    return _page("flows.html", flows=rows, key=key, further=further)


def flow(row: Flow, branches: Sequence[Branch[IndexedEvent]], *, cut: bool) -> Response:
    """Return one flow's tree; ``cut`` says that it has more events than are shown."""
    return _page("flow.html", flow=row, branches=branches, cut=cut)


def problem(status: int, what: str) -> Response:
    """Return the page that says what went wrong."""
    return _page("problem.html", status=status, what=what, code=status)


def _page(name: str, *, code: int = 200, **given: Any) -> Response:
    shown = _environment.get_template(name).render(
        moment=_moment, short=_short, depth=_depth, flow_path=_flow_path, **given
    )
    return HTMLResponse(shown, code)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _short(event_type: str) -> str:
    return event_type.rpartition(".")[2] or event_type


def _depth(depth: int) -> int:
    return min(depth, DEEPEST)


def _flow_path(flow_id: str) -> str:
    return "/flows/" + quote(flow_id, safe="")
