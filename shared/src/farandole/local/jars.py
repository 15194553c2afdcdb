"""Kafka's jars, found and checked: cache, then ``~/.m2``, then mvn, then a mirror, then a sentence with what to do.

Nothing enters the cache unchecked, and it enters by an atomic rename: a run that is killed, or a second one at the same
time, leaves no half file.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from farandole.errors import LocalMeshError
from farandole.local import cache, maven, mirror
from farandole.local.jar_lock import KAFKA_VERSION, Jar, shipped
from farandole.local.progress import Progress, Report, unheard


def folder() -> Path:
    """Return the folder in the cache that holds this version's jars, and nothing else. It may not exist yet."""
    return cache.folder() / f"kafka-{KAFKA_VERSION}" / "jars"


def missing(lock: Sequence[Jar] | None = None, *, into: Path | None = None) -> list[Jar]:
    """Return the locked jars that the cache does not hold yet (looks at names only; ``resolve`` checks the bytes)."""
    return [jar for jar in lock or shipped() if not ((into or folder()) / jar.name).is_file()]


def resolve(lock: Sequence[Jar] | None = None, *, into: Path | None = None, report: Report = unheard) -> Path:
    """Make the cache hold every locked jar, checked by size and sha256; return its folder. Blocks: use a thread.

    Other files of a Maven repository than Kafka's come the same way, by a lock and a folder ``into`` of their own.

    Raises:
        LocalMeshError: A file has other bytes than the lock says (it is named, nothing of it is kept), or no source has
            the jars.
    """
    lock = lock or shipped()
    target = into or folder()
    for jar in lock:
        kept = target / jar.name
        if kept.is_file():
            check(jar, kept)
    wanted = missing(lock, into=target)
    if not wanted:
        return target
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".arriving-", dir=target.parent) as arriving:
        _from_local_repository(wanted, Path(arriving), target, report)
        for source in (_by_mvn, _by_mirror):
            wanted = missing(lock, into=target)
            if wanted:
                source(wanted, Path(arriving), target, report)
    wanted = missing(lock, into=target)
    if wanted:
        raise _nowhere(wanted, target)
    return target


def check(jar: Jar, file: Path) -> None:
    """Refuse ``file`` unless it is exactly the locked jar.

    Raises:
        LocalMeshError: It is not; the message names the file.
    """
    if not jar.matches(file):
        raise LocalMeshError(
            f"{file} is not the {jar.name} that this version was built for",
            why=f"its size or sha256 differs from the lock ({jar.size} bytes, {jar.sha256})",
            do=f"delete {file} and run again; if it comes back the same, do not trust where it comes from",
            code="E402",
        )


def _accept(jar: Jar, arrived: Path, *, into: Path) -> None:
    check(jar, arrived)
    arrived.replace(into / jar.name)


def _from_local_repository(wanted: Sequence[Jar], arriving: Path, target: Path, report: Report) -> None:
    repository = maven.local_repository()
    found = [jar for jar in wanted if (repository / jar.path).is_file()]
    for done, jar in enumerate(found, 1):
        check(jar, repository / jar.path)
        shutil.copyfile(repository / jar.path, arriving / jar.name)
        _accept(jar, arriving / jar.name, into=target)
        report(Progress(step="Kafka from the local Maven repository", done=done, total=len(found), unit="jars"))


def _by_mvn(wanted: Sequence[Jar], arriving: Path, target: Path, report: Report) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        return
    repository = arriving / "repository"
    if not maven.copy(mvn, wanted, repository, report=report):
        return
    for jar in wanted:
        arrived = repository / jar.path
        if arrived.is_file():
            _accept(jar, arrived, into=target)


def _by_mirror(wanted: Sequence[Jar], arriving: Path, target: Path, report: Report) -> None:
    base = os.environ.get(mirror.VARIABLE)
    if base:
        mirror.download(base, wanted, arriving, accept=partial(_accept, into=target), report=report)


def _nowhere(wanted: Sequence[Jar], target: Path) -> LocalMeshError:
    what = f"Kafka {KAFKA_VERSION}" if target == folder() else target.name
    return LocalMeshError(
        f"{len(wanted)} jars of {what} are missing, first {wanted[0].path}",
        why=f"they are neither in {target} nor in {maven.local_repository()}, there is no mvn on the PATH that could "
        f"fetch them, and {mirror.VARIABLE} is not set",
        do=f"install Maven, or set {mirror.VARIABLE} to the base URL of a Maven repository that you trust",
        code="E401",
    )
