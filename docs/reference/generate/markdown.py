"""Markdown: tables as the pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; cells are escaped where a pipe or a line break would end them."""
    lines = [_row(columns), _row(["---"] * len(columns)), *(_row([_cell(cell) for cell in row]) for row in rows)]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Write something as code; nothing where there is nothing."""
    return f"`{text}`" if text else ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
