"""Workspace: the project that a service is added to: its root, its schemas, its services."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from farandole.contracts import SchemaFile, read_folder
from farandole.errors import UsageError

PACKAGE: Final = "farandole_events"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """A uv workspace with ``schemas/`` and ``services/``; what was read of it when it was found."""

    root: Path
    schemas: tuple[SchemaFile, ...]
    services: tuple[str, ...]

    def text(self, path: str) -> str:
        """Return the text of a file below the root, or nothing where there is none."""
        file = self.root / path
        return file.read_text(encoding="utf-8") if file.exists() else ""


def find_workspace(start: Path) -> Workspace:
    """Return the workspace that ``start`` lies in. Raises UsageError where it lies in none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if _is_workspace(folder):
            files, broken = read_folder(folder / "schemas")
            if broken:
                raise UsageError(f"{broken[0].file}: {broken[0].what}", why=broken[0].why, do=broken[0].do, code="E591")
            services = tuple(sorted(one.parent.name for one in (folder / "services").glob("*/pyproject.toml")))
            return Workspace(root=folder, schemas=files, services=services)
    raise UsageError(
        f"{start} is in no workspace",
        why='a service is added beside others: to a pyproject.toml whose uv workspace has "services/*", and schemas/',
        do="go to a clone of the project, and try again",
        code="E587",
    )


def _is_workspace(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    if not project.exists() or not (folder / "schemas" / "ids.lock").exists():
        return False
    try:
        read: dict[str, Any] = tomllib.loads(project.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return "services/*" in read.get("tool", {}).get("uv", {}).get("workspace", {}).get("members", ())
