"""Problem: one thing that is wrong with a schema, where it is, why it is wrong and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A finding of the contracts check. ``line`` counts from 1; ``services`` are those that it concerns or would break.

    ``file`` is relative to the schema folder, or, where code is at fault, to the folder of whoever asks.
    """

    file: str
    line: int
    code: str
    what: str
    why: str
    do: str
    services: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code} {self.what}\n  why: {self.why}\n  do:  {self.do}"
