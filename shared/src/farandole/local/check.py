"""One finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Whether ``name`` is as it should be, what was seen (``detail``), and what to ``do`` where it is not."""

    name: str
    ok: bool
    detail: str
    do: str = ""
