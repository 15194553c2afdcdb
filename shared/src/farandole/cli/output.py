"""Output: one JSON document on one line on stdout, or something to read; progress and errors go to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from farandole.errors import FarandoleError

WIDE: Final = 200


def print_json(document: Any) -> None:
    """Print one JSON document on one line."""
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def say(line: str) -> None:
    """Tell of progress, on stderr."""
    sys.stderr.write(printable(line) + "\n")
    sys.stderr.flush()


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; colours only on a terminal, and never with NO_COLOR."""
    from rich.console import Console  # noqa: PLC0415 - only a command that prints a table pays for rich
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(printable, row))
    # What is piped is for a program or a page: nobody wants it cut at 80 columns.
    Console(width=None if sys.stdout.isatty() else WIDE, markup=False).print(table)


def printable(text: str) -> str:
    """Return a text that moves no cursor and changes no colour: what is shown was written by anybody."""
    return "".join(one if one.isprintable() or one in "\n\t" else "�" for one in text)


def error_line(error: FarandoleError, *, as_json: bool) -> str:
    """Write an error as sentences, or as a JSON document on one line."""
    if not as_json:
        return printable(str(error))
    document = {"error": {"code": error.code, "what": error.what, "why": error.why, "do": error.do}}
    return msgspec.json.encode(document).decode()
