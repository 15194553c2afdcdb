"""OutsideSystem: a client for a system outside the mesh, over HTTP: idempotency keys, timeouts, telling errors.

What every adapter needs, once: a POST carries an idempotency key, every call has a timeout, and an answer is one of
four things: done, a refusal to be read by the adapter, "fewer" (`Throttled`), or no answer at all (OutsideAwayError).
The breaker hears of each; the handler is run again with the same key.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from farandole.calls import note_answer, note_failure
from farandole.errors import DependencyError, FarandoleError
from farandole.signals import Throttled

T = TypeVar("T")

LONGEST_WAIT: Final = timedelta(hours=1)
CONNECT_WITHIN: Final = timedelta(seconds=2)
ANSWER_WITHIN: Final = timedelta(seconds=10)
CONNECTIONS: Final = 16
IDLE_AT_MOST: Final = timedelta(seconds=3)
"""How long an idle connection is kept. Servers usually close theirs after 5 s, and whoever sends just then loses."""
TOO_MANY: Final = 429
_SLASHES: Final = re.compile(r"[/\\]")
_LONGEST_SHOWN: Final = 80


class OutsideAwayError(DependencyError):
    """The system did not answer, or said that it cannot work now. What was asked may have been done all the same."""

    code = "E610"


class OutsideRefusedError(FarandoleError):
    """The system refused in a way that its adapter does not know: asking again cannot help, people have to look."""

    code = "E611"
    is_final = True


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a system said no: ``error`` is its code, ``reason`` its words, ``details`` whatever else it told."""

    status: int
    error: str = ""
    reason: str = ""
    details: Mapping[str, Any] = {}


class OutsideRefusal(Exception):  # noqa: N818 - an answer, not a fault, until the adapter says otherwise
    """The system answered with a 4xx: a business "no", or a misunderstanding. The adapter decides which."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.error} {refusal.reason}".strip())
        self.refusal = refusal


class OutsideSystem:
    """Calls one outside system. Safe for concurrent use; the client brings base address and timeouts.

    ``name`` is for people. ``dependency`` is its name in ``depends_on``, which handlers that need several have to give.
    """

    def __init__(self, name: str, client: httpx2.AsyncClient, *, dependency: str = "") -> None:
        self.name = name
        self._client = client
        self._dependency = dependency

    async def post(self, path: str, body: Mapping[str, Any], answer: type[T], *, idempotency_key: str) -> T:
        """Send a request once, however often it is sent, and return its answer.

        Raises OutsideRefusal (a 4xx), Throttled (429, with the time that it names), OutsideAwayError (5xx or no answer:
        ask again with the same key) and OutsideRefusedError (an answer that is not what it should be).
        """
        try:
            response = await self._client.post(path, json=dict(body), headers={"Idempotency-Key": idempotency_key})
        except httpx2.TransportError as error:
            note_failure(self._dependency)
            raise OutsideAwayError(
                f"{self.name} did not answer",
                why=f"{type(error).__name__} at {path}",
                do="nothing: it is asked again with the same idempotency key",
                dependency=self._dependency,
            ) from error
        self._raise_for(response, path)
        return self._read(response, answer)

    def unexpected(self, refusal: Refusal) -> OutsideRefusedError:
        """Return the error for a refusal that no business case stands behind."""
        return OutsideRefusedError(
            f"{self.name} refused with {refusal.status} {refusal.error}".rstrip(),
            why=refusal.reason,
            do=f"compare with the books of {self.name}, mend it there, then redrive the dead letter",
        )

    def _raise_for(self, response: httpx2.Response, path: str) -> None:
        if response.status_code == TOO_MANY:
            raise Throttled(
                f"{self.name} takes no more calls for now", after=_wait(response), dependency=self._dependency
            )
        if response.is_server_error:
            note_failure(self._dependency)
            raise OutsideAwayError(
                f"{self.name} answered {response.status_code}",
                why=_refusal(response).error or f"at {path}",
                do="nothing: it is asked again with the same idempotency key",
                dependency=self._dependency,
            )
        note_answer(self._dependency)
        if response.is_client_error:
            raise OutsideRefusal(_refusal(response))

    def _read(self, response: httpx2.Response, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(response.content, type=answer)
        except msgspec.DecodeError as error:
            raise OutsideRefusedError(
                f"{self.name} answered {response.status_code} with something else than it should",
                why=str(error),
                do=f"look whether the address of {self.name} is the right one",
            ) from error


def path_segment(text: str) -> str:
    """Return a text, percent-encoded, as one part of a path that leads nowhere else.

    Dots cannot be escaped: clients and proxies take ``..``, also between escaped slashes, for the way to another path.

    Raises:
        OutsideRefusedError: the text is empty, or one of its parts between slashes is: empty, ``.`` or ``..``; or it
            holds half a character. Nothing is sent, and sending it again cannot help.
    """
    if {"", ".", ".."} & set(_SLASHES.split(text)):
        raise _no_segment(text, "in the path of a request it would lead elsewhere")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise _no_segment(text, "it holds half a character, which no path can") from None


def _no_segment(text: str, why: str) -> OutsideRefusedError:
    return OutsideRefusedError(
        f"{text[:_LONGEST_SHOWN]!r} cannot be part of an outside system's path",
        why=why,
        do="look who gave something such a name",
    )


@asynccontextmanager
async def outside_system(
    name: str,
    url: str,
    *,
    connect_within: timedelta = CONNECT_WITHIN,
    answer_within: timedelta = ANSWER_WITHIN,
    connections: int = CONNECTIONS,
    dependency: str = "",
) -> AsyncGenerator[OutsideSystem]:
    """Give a client for the system at ``url``, and close its connections in the end.

    It has at most so many ``connections`` at once and keeps them all. A call beyond them waits for one, for as long as
    its handler may take: that the service is busy is no fault of the system, and no reason to try again later.
    """
    timeout = httpx2.Timeout(answer_within.total_seconds(), connect=connect_within.total_seconds(), pool=None)
    limits = httpx2.Limits(
        max_connections=connections,
        max_keepalive_connections=connections,
        keepalive_expiry=IDLE_AT_MOST.total_seconds(),
    )
    async with httpx2.AsyncClient(base_url=url, timeout=timeout, limits=limits) as client:
        yield OutsideSystem(name, client, dependency=dependency)


def _refusal(response: httpx2.Response) -> Refusal:
    """Read a refusal; an answer that is none (a proxy's page) says nothing, and is never passed on."""
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        body = None
    told: Mapping[str, Any] = body if isinstance(body, dict) else {}
    return Refusal(
        status=response.status_code,
        error=str(told.get("error", "")),
        reason=str(told.get("reason", "")),
        details=told,
    )


def _wait(response: httpx2.Response) -> timedelta | None:
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(timedelta(seconds=seconds), LONGEST_WAIT) if 0 <= seconds < LONGEST_WAIT.total_seconds() else None
