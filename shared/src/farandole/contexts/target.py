"""Target: the mesh that a command is about: its brokers, its Redis, each service's database, and what one may do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from farandole.contexts.context import Context, Role
from farandole.contexts.contexts_file import contexts_file, read_contexts
from farandole.contexts.secret import revealed
from farandole.errors import NotPermittedError, UsageError
from farandole.kafka.connection import Connection
from farandole.kafka.topics import cluster_id
from farandole.local import status
from farandole.local.services import database_url, database_variable
from farandole.local.state import MeshState
from farandole.runner import connection_of
from farandole.service import Service
from farandole.settings import Settings

VARIABLE: Final = "FARANDOLE_CONTEXT"
CLIENT: Final = "farandole-cli"


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """How long handled events are remembered."""

    ledger: timedelta
    inbox: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A mesh. ``cluster`` is empty where the brokers are to be asked; databases are by service.

    ``context`` is its name, empty where none was given. In a ``production`` mesh whoever changes something has to type
    what it is about. ``registry_ids`` is the file of the id map, empty where the ids on the wire are those of
    ``ids.lock``; of a context no ``registry_url`` is known, as nothing here asks a registry.
    """

    connection: Connection
    redis_url: str = field(repr=False)
    cluster: str
    database_urls: Mapping[str, str] = field(repr=False)
    windows: Windows
    context: str = ""
    role: Role = Role.OPERATOR
    production: bool = False
    registry_url: str = ""
    registry_ids: str = ""

    async def cluster_id(self) -> str:
        """Return the cluster's id, asked of the brokers where nobody told it. Raises BrokerUnavailableError."""
        return self.cluster or await cluster_id(self.connection)

    def demand_operator(self, what: str) -> None:
        """Return if whoever uses this context may do ``what``. Raises NotPermittedError."""
        if self.role is not Role.OPERATOR:
            raise NotPermittedError(
                f"not permitted to {what} with the context {self.context}; nothing was done",
                why=f"its role is {self.role.value}",
                do="choose a context whose role is operator",
            )


def target_of(
    home: Path,
    services: Sequence[Service],
    environment: Mapping[str, str] | None = None,
    *,
    context: str = "",
    client: str = CLIENT,
) -> Target:
    """Return the mesh of that context; without one, that which runs in the home, or which the environment names.

    The databases are those of ``services``: what the context says, or ``FARANDOLE_DATABASE_URL_<SERVICE>``, or where
    the embedded mesh keeps them. Raises UsageError where it cannot be told.
    """
    environment = os.environ if environment is None else environment
    stored = [one.name for one in services if one.tables is not None]
    if context:
        return _named(context, stored, environment, client)
    settings, mesh = Settings(), status.running(home)
    return Target(
        connection=connection_of(settings, client=client)
        if mesh is None
        else Connection(bootstrap=mesh.bootstrap, client_id=client),
        redis_url=settings.redis_url.get_secret_value() if mesh is None else mesh.redis_url,
        cluster=settings.cluster if mesh is None else mesh.cluster_id,
        database_urls={name: _database_url(name, mesh, environment) for name in stored},
        windows=Windows(ledger=settings.ledger_window, inbox=settings.inbox_window),
        registry_url=settings.registry_url,
        registry_ids=settings.registry_ids,
    )


def _named(name: str, stored: Iterable[str], environment: Mapping[str, str], client: str) -> Target:
    file = contexts_file(environment)
    contexts = read_contexts(file)
    context = contexts.get(name)
    if context is None:
        raise UsageError(
            f"there is no context {name}",
            why=f"{file} has {', '.join(sorted(contexts)) or 'none'}",
            do="farandole contexts   shows them; docs/howto/work-on-a-remote-mesh.md shows how to add one",
            code="E514",
        )
    return Target(
        connection=Connection(
            bootstrap=context.brokers,
            client_id=client,
            security_protocol=context.security_protocol,
            sasl_mechanism=context.sasl_mechanism,
            sasl_username=context.sasl_username,
            sasl_password=revealed(context.sasl_password, what=f"sasl_password of {name}", environment=environment),
            ca_file=context.ca_file,
        ),
        redis_url=revealed(context.redis_url, what=f"redis_url of {name}", environment=environment),
        cluster=context.cluster,
        database_urls={one: _database_of(name, context, one, environment) for one in stored},
        windows=Windows(
            ledger=timedelta(days=context.ledger_window_days), inbox=timedelta(days=context.inbox_window_days)
        ),
        context=name,
        role=context.role,
        production=context.production,
        registry_ids=str(Path(context.registry_ids).expanduser()) if context.registry_ids else "",
    )


def _database_of(name: str, context: Context, service: str, environment: Mapping[str, str]) -> str:
    if service in context.databases:
        return revealed(context.databases[service], what=f"databases.{service} of {name}", environment=environment)
    told = environment.get(database_variable(service), "")
    if not told:
        raise UsageError(
            f"nobody says where the database of {service} is",
            why=f"the context {name} does not, and the inbox is half of what is asked",
            do=f"add databases.{service} to the context, set {database_variable(service)}, or choose other services",
            code="E502",
        )
    return told


def _database_url(service: str, mesh: MeshState | None, environment: Mapping[str, str]) -> str:
    told = environment.get(database_variable(service), "")
    if told:
        return told
    if mesh is not None:
        return database_url(Path(mesh.home), service)
    raise UsageError(
        f"nobody says where the database of {service} is",
        why="no mesh runs in the home, and the inbox is half of what is asked",
        do=f"set {database_variable(service)}, or choose a --context, or other services with --service",
        code="E502",
    )
