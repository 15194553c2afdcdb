"""Console: the console of a mesh, as commands ask it: where it is, by which token, and what its refusals mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2

from farandole.cli.home import default_home
from farandole.errors import LocalMeshError, UnavailableError, UsageError
from farandole.local import status

URL: Final = "FARANDOLE_URL_CONSOLE"
TOKEN: Final = "FARANDOLE_CONSOLE_TOKEN"  # noqa: S105 - the name of a variable
WITHIN: Final = 10.0
MOST_BYTES: Final = 50_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleAddress:
    """Where a console is; ``is_named`` tells that somebody named it, so that nothing else will do."""

    url: str
    is_named: bool
    token: str = field(default="", repr=False)

    def ask(self, path: str, query: Mapping[str, str]) -> httpx2.Response:
        """Return the answer. Follows no redirect: the token is for nobody else. Raises UnavailableError."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            answer = httpx2.get(f"{self.url}{path}", params=dict(query), headers=headers, timeout=WITHIN)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _unanswered(
                self.url, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            ) from error
        if answer.status_code in {401, 403}:
            raise UnavailableError(
                f"the console at {self.url} refuses ({answer.status_code})",
                why="it does not know the token, or the token's role may not do that"
                if self.token
                else "it wants a token",
                do=f"set {TOKEN} to a secret of a viewer; whoever runs the console gives one",
                code="E568",
            )
        if answer.status_code == 404:
            return answer
        if answer.status_code != 200 or len(answer.content) > MOST_BYTES:
            raise _unanswered(self.url, f"its answer is {answer.status_code}, {len(answer.content):,} bytes")
        return answer

    def document(self, answer: httpx2.Response) -> Any:
        """Return an answer that is JSON. Raises UnavailableError where it is none."""
        try:
            return answer.json()
        except ValueError as error:
            raise _unanswered(self.url, "its answer is no JSON") from error


def part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="")


def named_console(url: str) -> ConsoleAddress:
    """Return the console that somebody names. Raises UsageError where that is no address."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise UsageError(
            f"{url!r} is no address of a console",
            why="an address is http://HOST:PORT or https://HOST; a secret in it would be seen by others",
            do=f"farandole status names that of an embedded mesh; the token goes into {TOKEN}",
            code="E569",
        )
    return ConsoleAddress(url=url.rstrip("/"), is_named=True, token=os.environ.get(TOKEN, ""))


def console_at(home: Path | None, *, given: str = "") -> ConsoleAddress | None:
    """Return the console that is meant; None for none.

    It is the one that is ``given``, or that of the mesh that runs in ``home``; without a home the one that the
    environment names, or that of the mesh in the default home. Raises UsageError where what is named is no address.
    """
    if said := given or (os.environ.get(URL, "") if home is None else ""):
        return named_console(said)
    try:
        mesh = status.running(home or default_home())
        found = mesh.url("console") if mesh is not None else ""
    except (LocalMeshError, KeyError):
        found = ""
    return ConsoleAddress(url=found.rstrip("/"), is_named=False, token=os.environ.get(TOKEN, "")) if found else None


def _unanswered(url: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"the console at {url} does not answer as it should",
        why=why,
        do=f"farandole status, or name another in {URL}; farandole flow --scan reads the topics without it",
        code="E567",
    )
