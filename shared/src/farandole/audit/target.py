"""Target: where the mesh to audit is: its brokers, its Redis, and each service's database."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from farandole.audit.gathering import Windows
from farandole.errors import UsageError
from farandole.kafka.connection import Connection
from farandole.local import status
from farandole.local.services import database_url, database_variable
from farandole.local.state import MeshState
from farandole.runner import connection_of
from farandole.service import Service
from farandole.settings import Settings

CLIENT = "farandole-audit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A mesh. ``cluster`` is empty where the brokers are to be asked; databases are by service."""

    connection: Connection
    redis_url: str = field(repr=False)
    cluster: str
    database_urls: Mapping[str, str] = field(repr=False)
    windows: Windows


def target_of(home: Path, services: Sequence[Service], environment: Mapping[str, str] = os.environ) -> Target:
    """Return the mesh that runs in the home, or, where none does, the one that the environment names.

    The database of a service is what ``FARANDOLE_DATABASE_URL_<SERVICE>`` says, else where the embedded mesh keeps it.
    Raises UsageError where it cannot be told.
    """
    settings, mesh = Settings(), status.running(home)
    return Target(
        connection=connection_of(settings, client=CLIENT)
        if mesh is None
        else Connection(bootstrap=mesh.bootstrap, client_id=CLIENT),
        redis_url=settings.redis_url.get_secret_value() if mesh is None else mesh.redis_url,
        cluster=settings.cluster if mesh is None else mesh.cluster_id,
        database_urls={
            one.name: _database_url(one.name, mesh, environment) for one in services if one.tables is not None
        },
        windows=Windows(ledger=settings.ledger_window, inbox=settings.inbox_window),
    )


def _database_url(service: str, mesh: MeshState | None, environment: Mapping[str, str]) -> str:
    variable = database_variable(service)
    told = environment.get(variable, "")
    if told:
        return told
    if mesh is not None:
        return database_url(Path(mesh.home), service)
    raise UsageError(
        f"nobody says where the database of {service} is",
        why="no mesh runs in the home, and the inbox is half of what an audit asks",
        do=f"set {variable}, or name other services with --service",
        code="E502",
    )
