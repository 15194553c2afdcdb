"""A Maven repository behind HTTP, named by the user: no host is built in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from farandole.errors import LocalMeshError
from farandole.local.jar_lock import Jar
from farandole.local.progress import Progress, Report

if TYPE_CHECKING:
    import httpx2

VARIABLE = "FARANDOLE_MAVEN_MIRROR"
_STEP = "Kafka from the mirror"
_SECONDS = 30.0
_TRIES = 3


def download(
    base: str, wanted: Sequence[Jar], arriving: Path, *, accept: Callable[[Jar, Path], None], report: Report
) -> None:
    """Fetch each jar into ``arriving`` and hand it to ``accept``, which checks and keeps it.

    A body longer than the lock says is cut off, so a hostile mirror cannot fill the disk.

    Raises:
        LocalMeshError: The mirror is no HTTP address, does not have a file, or does not answer after three tries.
    """
    import httpx2  # noqa: PLC0415 - only a first run without Maven pays for it

    if urlsplit(base).scheme not in {"http", "https"}:
        raise LocalMeshError(
            f"{VARIABLE} is not an HTTP address",
            do="give the base URL of a Maven repository, as https://…",
            code="E403",
        )
    total = sum(jar.size for jar in wanted)
    done = 0
    with httpx2.Client(timeout=_SECONDS, follow_redirects=True) as client:
        for jar in wanted:
            target = arriving / jar.name
            _try(client, f"{base.rstrip('/')}/{jar.path}", jar, target, partial(_tell, report, total, done))
            accept(jar, target)
            done += jar.size
            _tell(report, total, done, 0)


def _try(client: httpx2.Client, url: str, jar: Jar, target: Path, tell: Callable[[int], None]) -> None:
    import httpx2  # noqa: PLC0415

    for left in reversed(range(_TRIES)):
        try:
            return _fetch(client, url, jar, target, tell)
        except httpx2.HTTPStatusError as failure:
            raise _refused(jar, failure) from failure
        except httpx2.HTTPError as failure:
            if not left:
                raise _refused(jar, failure) from failure
    return None


def _fetch(client: httpx2.Client, url: str, jar: Jar, target: Path, tell: Callable[[int], None]) -> None:
    with client.stream("GET", url) as answer, target.open("wb") as file:
        answer.raise_for_status()
        got = 0
        for piece in answer.iter_bytes(1 << 16):
            got += len(piece)
            file.write(piece)
            if got > jar.size:
                # What is too long is wrong, and need not arrive in full to be refused.
                return
            tell(got)


def _tell(report: Report, total: int, before: int, now: int) -> None:
    report(Progress(step=_STEP, done=before + now, total=total))


def _refused(jar: Jar, failure: Exception) -> LocalMeshError:
    return LocalMeshError(
        f"{jar.path} could not be fetched from the mirror",
        why=f"{type(failure).__name__}: {failure}",
        do=f"see that {VARIABLE} names the base URL of a Maven repository that holds Kafka, and run again",
        code="E403",
    )
