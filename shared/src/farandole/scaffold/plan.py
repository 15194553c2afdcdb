"""Plan: every file that a new service makes or changes, as text, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from farandole.contracts import SchemaFile, lint, read_lock
from farandole.contracts.folder import schema_file
from farandole.contracts.generate import LOCK, expected
from farandole.contracts.lock import additions
from farandole.errors import UsageError
from farandole.scaffold import harness_tests, papers, registration, sources
from farandole.scaffold.blueprint import Blueprint
from farandole.scaffold.event_schema import schemas_of
from farandole.scaffold.workspace import PACKAGE, Workspace

SCHEMAS: Final = "schemas"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Files by their path below the root: those to create, and those to change, with their whole new text."""

    created: dict[str, str]
    changed: dict[str, str]

    @property
    def undo(self) -> tuple[str, ...]:
        """The commands that take it back, in a clone that had no other changes."""
        new = sorted({_top(path) for path in self.created})
        return (f"rm -r {' '.join(new)}", f"git checkout -- {' '.join(sorted(self.changed))}")


def plan(made: Blueprint, workspace: Workspace) -> Plan:
    """Return what a service takes. Raises UsageError where a file is there already, or the schemas are not sound."""
    home = f"services/{made.module}"
    schemas = schemas_of(made)
    heard = made.heard or schema_file(*next(iter(schemas.items())))
    files = {f"{home}/{path}": text for path, text in sources.files(made).items()}
    files |= {f"{home}/tests/{path}": text for path, text in harness_tests.files(made, heard).items()}
    files |= {f"{home}/{path}": text for path, text in papers.files(made, workspace).items()}
    files[f"helm/farandole/services/{made.name}.yaml"] = papers.values(made)
    files |= {f"{SCHEMAS}/{path}": text for path, text in schemas.items()}
    files |= _generated(workspace, (schema_file(path, text) for path, text in schemas.items()))
    files["pyproject.toml"] = registration.project(made, workspace.text("pyproject.toml"))
    files["uv.lock"] = registration.lock(made, workspace.text("uv.lock"))
    there = {path for path in files if (workspace.root / path).exists()}
    _demand_free(there, home)
    return Plan(
        created={path: text for path, text in files.items() if path not in there},
        changed={path: text for path, text in files.items() if path in there and text != workspace.text(path)},
    )


def _generated(workspace: Workspace, new: Iterable[SchemaFile]) -> dict[str, str]:
    """Return the lock and the event classes, with the new events, below the root."""
    files = tuple(sorted((*workspace.schemas, *new), key=lambda one: one.path))
    if problems := lint(files):
        first = problems[0]
        raise UsageError(f"{first.file}: {first.what}", why=first.why, do=first.do, code="E591")
    before = workspace.text(f"{SCHEMAS}/{LOCK}")
    after = before + "".join(line.text() + "\n" for line in additions(files, read_lock(before)))
    return {f"{SCHEMAS}/{path}": text for path, text in expected(files, after, package=PACKAGE).items()}


def _demand_free(there: set[str], home: str) -> None:
    ours = sorted(path for path in there if path.startswith((home, "helm/")) or path.endswith(".avsc"))
    if ours:
        raise UsageError(f"{ours[0]} is there", why="nothing is written over", do="choose another name", code="E586")


def _top(path: str) -> str:
    parts = Path(path).parts
    return path if parts[:2] == (SCHEMAS, "src") or parts[0] == "helm" else "/".join(parts[:2])
