"""Installed: the services that are installed beside the library, found by entry point."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Final

from farandole.errors import UsageError
from farandole.service import Service

GROUP: Final = "farandole.services"


def services() -> tuple[Service, ...]:
    """Import and return every installed service, by name."""
    return tuple(entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name))


def service(name: str) -> Service:
    """Import and return one installed service. Raises UsageError where there is none of that name."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise UsageError(
            f"there is no service {name}",
            why=f"installed are {', '.join(sorted(found)) or 'none'}",
            do="name one of them, or install its package",
            code="E501",
        )
    loaded: Service = found[name].load()
    return loaded
