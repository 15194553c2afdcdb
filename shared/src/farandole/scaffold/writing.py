"""Writing: a plan put on the disk, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from farandole.errors import OperationError
from farandole.scaffold.plan import Plan


def write(plan: Plan, root: Path) -> None:
    """Write every file of a plan. Where one cannot be written, all are as they were, and OperationError is raised."""
    made: list[Path] = []
    changed: list[tuple[Path, bytes]] = []
    try:
        for path, text in sorted(plan.created.items()):
            file = root / path
            _folder(file.parent, made)
            with file.open("x", encoding="utf-8") as new:
                made.append(file)
                new.write(text)
        for path, text in sorted(plan.changed.items()):
            file = root / path
            before = file.read_bytes()
            beside = file.with_name(f".{file.name}.new")
            beside.write_text(text, encoding="utf-8")
            shutil.copymode(file, beside)
            changed.append((file, before))
            beside.replace(file)
    except OSError as broken:
        _back(made, changed)
        raise OperationError(
            f"{broken.filename or root} cannot be written",
            why=f"{broken.strerror or broken}; every file is as it was",
            do="mend that, and try again",
            code="E592",
        ) from broken


def _folder(folder: Path, made: list[Path]) -> None:
    if not folder.exists():
        _folder(folder.parent, made)
        folder.mkdir()
        made.append(folder)


def _back(made: list[Path], changed: list[tuple[Path, bytes]]) -> None:
    for file, before in reversed(changed):
        file.write_bytes(before)
        file.with_name(f".{file.name}.new").unlink(missing_ok=True)
    for path in reversed(made):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
