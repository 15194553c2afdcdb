"""Check: everything that must hold of a schema folder before it is merged."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from farandole.avro_schema import digest
from farandole.contracts.compatibility import NOBODY, compatible
from farandole.contracts.folder import read_folder
from farandole.contracts.generate import LOCK, PACKAGE, expected
from farandole.contracts.lint import lint
from farandole.contracts.lock import LockLine, additions, read_lock
from farandole.contracts.problem import Problem
from farandole.errors import ContractError

REGENERATE = "farandole contracts generate"
RESTORE = "restore ids.lock from version control, then farandole contracts generate"


def check(root: Path, *, package: str = PACKAGE, consumers: Mapping[str, Collection[str]] = NOBODY) -> list[Problem]:
    """Return what is wrong with the schemas, the lock and the generated classes below ``root``.

    ``consumers`` names the services that read an event type, by full name. Where the folder is in a git work tree,
    the lock is also held against the committed one. Writes nothing.
    """
    files, broken = read_folder(root)
    problems = [*broken, *lint(files)]
    if problems:
        return problems
    text = (root / LOCK).read_text(encoding="utf-8") if (root / LOCK).exists() else ""
    try:
        lock = read_lock(text)
    except ContractError as error:
        return [Problem(file=LOCK, line=1, code=error.code, what=error.what, why=error.why, do=error.do)]
    problems += lock_problems(text, lock, committed(root))
    problems += compatible(files, lock, consumers=consumers)
    for line in additions(files, lock):
        what = f"version {line.version} of {line.fullname} has no id"
        problems.append(_problem(LOCK, "E250", what, why="the schema is newer than the lock", do=REGENERATE))
    return problems + list(_drift(root, expected(files, text, package=package), package))


def lock_problems(text: str, lock: Sequence[LockLine], before: str | None) -> list[Problem]:
    """Return what is wrong with a lock: against itself, and against the committed text, where there is one."""
    problems: list[Problem] = []
    ids: set[int] = set()
    versions: dict[str, int] = {}
    for number, line in enumerate(lock, start=1):
        if line.sha256 != digest(line.schema):
            what = f"the schema of id {line.id} is not the one that was locked"
            problems.append(_problem(LOCK, "E251", what, why="its hash differs", do=RESTORE, line=number))
        if line.id in ids or line.version != versions.get(line.fullname, 0) + 1:
            what = f"id {line.id}, version {line.version} of {line.fullname}, is out of order"
            why = "ids are given once, versions go up by one"
            problems.append(_problem(LOCK, "E251", what, why=why, do=RESTORE, line=number))
        ids.add(line.id)
        versions[line.fullname] = line.version
    return problems + list(_not_appended(text, before))


def committed(root: Path) -> str | None:
    """Return the lock of git's HEAD, or None where there is no git, no work tree or no such file."""
    git = shutil.which("git")
    if git is None:
        return None
    run = subprocess.run(  # noqa: S603 - fixed words and a path, no shell
        [git, "-C", str(root), "show", f"HEAD:./{LOCK}"], capture_output=True, timeout=30, check=False
    )
    return run.stdout.decode("utf-8", "replace") if run.returncode == 0 else None


def _not_appended(text: str, before: str | None) -> Iterator[Problem]:
    now = text.splitlines()
    for number, line in enumerate((before or "").splitlines()):
        if number >= len(now) or now[number] != line:
            what = f"line {number + 1} of the committed lock was changed or removed"
            why = "records on the wire carry its id; the lock is only ever appended to"
            yield _problem(LOCK, "E252", what, why=why, do=RESTORE, line=min(number, len(now) - 1) + 1)
            return


def _drift(root: Path, wanted: Mapping[str, str], package: str) -> Iterator[Problem]:
    for path, text in sorted(wanted.items()):
        there = (root / path).read_text(encoding="utf-8") if (root / path).exists() else None
        if there != text:
            what = "the file is missing" if there is None else "the file is not what the schemas say"
            yield _problem(path, "E253", what, why="it is generated from the .avsc files and ids.lock", do=REGENERATE)
    for module in sorted((root / "src" / package).glob("*.py")):
        name = module.relative_to(root).as_posix()
        if name not in wanted:
            why = "no schema folder is its source"
            yield _problem(name, "E253", "the file should not be there", why=why, do="remove it")


def _problem(file: str, code: str, what: str, *, why: str, do: str, line: int = 1) -> Problem:
    return Problem(file=file, line=line, code=code, what=what, why=why, do=do)
