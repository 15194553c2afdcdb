"""Place: where in the source a function stands."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import CodeType
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A function, and where it stands: ``file`` as the interpreter was given it, ``line`` counted from 1."""

    function: str
    module: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def within_package(self) -> str:
        """The file as its package names it, ``farandole_crm/telling.py``: it tells nothing of the machine."""
        parts = PurePath(self.file).parts
        depth = self.module.count(".") + (2 if parts[-1:] == ("__init__.py",) else 1)
        return "/".join(parts[-depth:])

    def beneath(self, folder: Path) -> str:
        """Return the file relative to a folder, ``services/crm/src/…``; `within_package` where it lies elsewhere."""
        try:
            return Path(self.file).relative_to(folder).as_posix()
        except ValueError:
            return self.within_package


def place_of(function: Callable[..., Any]) -> Place:
    """Return the place of a function, or of a class; what has none (a built-in) stands on line 0 of nowhere."""
    plain = inspect.unwrap(function)
    code = getattr(plain, "__code__", None) or getattr(getattr(plain, "__call__", None), "__code__", None)  # noqa: B004 - its code, not whether it can be called
    name = getattr(plain, "__qualname__", type(plain).__name__)
    module = getattr(plain, "__module__", "") or ""
    return _placed(name, module, code) if code else Place(function=name, module=module, file="", line=0)


def calling_place() -> Place:
    """Return the line from which the function that asks was called."""
    asking = inspect.currentframe()
    caller = asking.f_back.f_back if asking is not None and asking.f_back is not None else None
    if caller is None:
        return Place(function="", module="", file="", line=0)
    code = caller.f_code
    return Place(
        function=code.co_qualname if code.co_name != "<module>" else "",
        module=caller.f_globals.get("__name__", ""),
        file=code.co_filename,
        line=caller.f_lineno,
    )


def _placed(name: str, module: str, code: CodeType) -> Place:
    return Place(function=name, module=module, file=code.co_filename, line=code.co_firstlineno)
