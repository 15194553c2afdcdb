"""Generate: bring the lock and the event classes up to the .avsc files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from farandole.contracts.folder import SchemaFile, read_folder
from farandole.contracts.lint import lint
from farandole.contracts.lock import LockLine, additions, read_lock
from farandole.contracts.render import render
from farandole.errors import ContractError

LOCK = "ids.lock"
PACKAGE = "farandole_events"


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """What ``generate`` did: the files that it wrote, below the schema folder, and the versions that it locked."""

    written: tuple[str, ...]
    locked: tuple[LockLine, ...]


def generate(root: Path, *, package: str = PACKAGE) -> Generated:
    """Lock every new or changed schema below ``root`` and write the classes of the event package.

    Files that are right already are not touched. Raises ContractError, of the first problem, where a file is no
    schema or a lint finds fault with it; then nothing is written. Not safe to run twice at the same time.
    """
    files, broken = read_folder(root)
    if problems := [*broken, *lint(files)]:
        first = problems[0]
        raise ContractError(f"{first.file}: {first.what}", why=first.why, do=first.do, code=first.code)
    lock = _text_of(root / LOCK)
    added = additions(files, read_lock(lock))
    wanted = expected(files, lock + "".join(line.text() + "\n" for line in added), package=package)
    written = tuple(sorted(path for path, text in wanted.items() if _write(root / path, text)))
    return Generated(written=written, locked=added)


def expected(files: tuple[SchemaFile, ...], lock: str, *, package: str = PACKAGE) -> dict[str, str]:
    """Return every generated file below the schema folder, path to text: the lock, its copy and the classes."""
    home = f"src/{package}"
    modules = {f"{home}/{name}": text for name, text in render(files, package=package).items()}
    return {**modules, LOCK: lock, f"{home}/{LOCK}": lock}


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _write(path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
