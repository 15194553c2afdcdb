"""The console: an index of every event of the mesh, shown flow by flow."""

from __future__ import annotations

from typing import Final

from farandole import Service

from farandole_console.index import Index
from farandole_console.settings import ConsoleSettings
from farandole_console.tables import metadata

service: Final = Service("console", tables=metadata)
service.provide(ConsoleSettings)
service.provide(Index)

from farandole_console import app, observing, retention  # noqa: E402 - they register with the service

__all__ = ["app", "observing", "retention", "service"]
