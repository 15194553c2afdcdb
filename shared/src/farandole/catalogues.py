"""Catalogues: the event schemas that are installed beside the library, found by entry point."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Final

from farandole.schema import Catalogue

GROUP: Final = "farandole.schemas"


def discover() -> tuple[Catalogue, ...]:
    """Load every catalogue that an installed package names in the entry-point group ``farandole.schemas``."""
    return tuple(entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name))
