"""ContextsFile: the file of an operator's meshes, ``~/.config/farandole/contexts.toml``."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from farandole.contexts.context import Context
from farandole.errors import UsageError

VARIABLE: Final = "FARANDOLE_CONTEXTS"
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def contexts_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the file is: what FARANDOLE_CONTEXTS says, else in the XDG folder of settings."""
    told = environment.get(VARIABLE, "")
    if told:
        return Path(told).expanduser()
    folder = environment.get("XDG_CONFIG_HOME", "")
    return (Path(folder) if folder else Path.home() / ".config") / "farandole" / "contexts.toml"


def read_contexts(file: Path) -> Mapping[str, Context]:
    """Return the contexts by name; none where there is no file.

    Raises UsageError where the file cannot be read, says something that no context has, or shows a secret to others
    than its owner. What is told of it never holds a value.
    """
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            tables = tomllib.load(opened)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or f"it is no TOML: {_without_values(error)}"
        raise UsageError(
            f"the contexts in {file} cannot be read", why=why, do="correct the file, or its permissions", code="E516"
        ) from None
    contexts = {name: _context(name, table, file) for name, table in tables.items()}
    for name, context in contexts.items():
        _keep_secret(name, context, mode, file)
    return contexts


def _context(name: str, table: object, file: Path) -> Context:
    try:
        return msgspec.convert(table, Context)
    except (msgspec.ValidationError, ValueError) as error:
        raise UsageError(
            f"the context {name} in {file} is not a context",
            why=str(error),
            do="docs/howto/work-on-a-remote-mesh.md shows all that it can say",
            code="E516",
        ) from None


def _keep_secret(name: str, context: Context, mode: int, file: Path) -> None:
    secrets = list(context.in_clear)
    if secrets and mode & OTHERS:
        raise UsageError(
            f"{file} holds {', '.join(secrets)} of {name} in clear, and others than its owner may read it",
            why=f"its mode is {stat.S_IMODE(mode):04o}",
            do=f'chmod 600 {file}   or better {{ env = "NAME" }} or {{ file = "path" }} in its place',
            code="E516",
        )


def _without_values(error: Exception) -> str:
    """Return where in the file the fault is: what stands there may be a secret."""
    told = str(error)
    return told[told.rfind("(") :] if "(at " in told else "it is not UTF-8"
