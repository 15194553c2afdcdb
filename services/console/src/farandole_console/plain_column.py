"""PlainColumn: a column that a condition compares and no index of SQLite is chosen for."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class PlainColumn(FunctionElement[str]):
    """The column as it is. SQLite, which knows nothing of how often a value occurs, leaves its indexes alone for it.

    PostgreSQL knows, and chooses itself.
    """

    name: Final = "plain_column"
    type = Text()
    inherit_cache = True

    def __init__(self, column: ColumnElement[str]) -> None:
        super().__init__(column)


@compiles(PlainColumn)
def _as_it_is(element: PlainColumn, compiler: SQLCompiler, **said: Any) -> str:
    return compiler.process(element.clauses, **said)


@compiles(PlainColumn, "sqlite")
def _with_a_plus(element: PlainColumn, compiler: SQLCompiler, **said: Any) -> str:
    return f"+{compiler.process(element.clauses, **said)}"
