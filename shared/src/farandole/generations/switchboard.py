"""Switchboard: sends each request to the generation that is shown, and knows when the last one of another has ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from farandole.http.refusal import UNAVAILABLE, refusal

ENDS_WITHIN: Final = timedelta(seconds=10)
RETRY_AFTER: Final = 1


@dataclass(kw_only=True, slots=True, eq=False)
class _Shown:
    app: ASGIApp
    requests: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Switchboard:
    """An ASGI application. A request is answered wholly by what was shown when it came. For one event loop.

    Before anything is shown it answers 503: an empty page would look like a store with nothing in it.
    """

    def __init__(self) -> None:
        self._shown: _Shown | None = None

    @property
    def is_busy(self) -> bool:
        """Whether what is shown answers a request now."""
        return self._shown is not None and self._shown.requests > 0

    async def show(self, app: ASGIApp) -> None:
        """Answer from ``app`` from now on; return when the requests to the former one have ended, or took too long.

        The change itself does not suspend.
        """
        former, self._shown = self._shown, _Shown(app=app)
        if former is None or not former.requests:
            return
        former.idle.clear()
        try:
            await asyncio.wait_for(former.idle.wait(), ENDS_WITHIN.total_seconds())
        except TimeoutError:
            return

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        shown = self._shown
        if shown is None:
            await _not_yet(scope, receive, send)
            return
        shown.requests += 1
        try:
            await shown.app(scope, receive, send)
        finally:
            shown.requests -= 1
            if not shown.requests:
                shown.idle.set()


async def _not_yet(scope: Scope, receive: Receive, send: Send) -> None:
    reason = "the store is being read; what it has so far would look like all there is"
    answer = refusal(UNAVAILABLE, "not_whole_yet", reason, headers={"retry-after": str(RETRY_AFTER)})
    await answer(scope, receive, send)
