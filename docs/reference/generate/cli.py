"""The command line: what every command says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Final

from cyclopts import App
from farandole.cli.exit_code import ExitCode
from farandole.cli.main import build
from rich.console import Console

from docs.reference.generate.markdown import code, table

INTRODUCTION: Final = """\
# The command line
`farandole` is in `.venv/bin`. Its exit status means the same for every command; results go to stdout, progress and
errors to stderr; `NO_COLOR` is heeded.

"""
MEANINGS: Final = {
    ExitCode.OK: "It did what was asked.",
    ExitCode.FAILED: "It failed; the error says why.",
    ExitCode.USAGE: "It was given something that it cannot use.",
    ExitCode.CHANGES: "The plan has changes.",
    ExitCode.CHECK_FAILED: "A check failed.",
    ExitCode.UNREACHABLE: "Kafka, Redis or the mesh could not be reached.",
}


def page() -> str:
    """Return the page."""
    statuses = table(("status", "meaning"), ((code(str(int(one))), MEANINGS[one]) for one in ExitCode))
    commands = (f"## {name}\n```text\n{said}\n```\n" for name, said in _commands(build(), ("farandole",)))
    return "\n".join((INTRODUCTION + statuses, *commands))


def _commands(app: App, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in sorted(app):
        if name.startswith("-"):
            continue
        one = app[name]
        here = (*path, name)
        inner = [each for each in one if not each.startswith("-")]
        if not inner or one.default_command is not None:
            yield " ".join(here), _help(here)
        if inner:
            yield from _commands(one, here)


def _help(path: tuple[str, ...]) -> str:
    out = StringIO()
    build().help_print(list(path[1:]), console=Console(file=out, width=100, color_system=None, force_terminal=False))
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())
