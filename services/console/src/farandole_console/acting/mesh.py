"""Mesh: what the console acts on, as the library's commands know a mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from farandole.contexts import Target, target_of
from farandole.local.home import default_home
from farandole.operations import AuditTopic
from farandole.runner import connection_of
from farandole.service import Service
from farandole.settings import Settings

from farandole_console.settings import ConsoleSettings

CLIENT = "farandole-console"


class Mesh:
    """The mesh of the console's settings. Safe to share."""

    def __init__(self, settings: Settings, console: ConsoleSettings) -> None:
        self._settings = settings
        self._console = console

    def target(self, services: Sequence[Service] = ()) -> Target:
        """Return the mesh with the databases of these services. Raises UsageError where nobody says where one is."""
        found = target_of(default_home(), services, client=CLIENT)
        return replace(
            found,
            connection=connection_of(self._settings, client=CLIENT),
            redis_url=self._settings.redis_url.get_secret_value(),
            cluster=self._settings.cluster,
            context=self._console.context,
            production=self._console.production,
            registry_ids=self._settings.registry_ids,
        )

    def audit(self) -> AuditTopic:
        """Return the audit topic, to be opened."""
        return AuditTopic(connection_of(self._settings, client=CLIENT))
