"""Wire schemas: a service's schemas under the ids that its settings put on the wire, and who is asked for others."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from farandole import catalogues
from farandole.clock import Clock
from farandole.engine.runtime import schemas_of
from farandole.errors import ContractError, StartError, UsageError
from farandole.schema import Catalogue, SchemaSource
from farandole.service import Service
from farandole.settings import Settings


class WireIds(Protocol):
    """Says which ids are on the wire: those of ``ids.lock``, or of the id map of a registry. Settings do."""

    @property
    def registry_url(self) -> str:
        """The registry, empty for none."""
        ...

    @property
    def registry_ids(self) -> str:
        """The file of the id map, empty for none."""
        ...


def catalogue_of(service: Service, settings: WireIds) -> Catalogue:
    """Return every schema that is installed or that the service names, under the ids of the id map, where there is one.

    Raises StartError where the map is broken, lacks what the service emits, or is missing although there is a registry:
    the ids of ``ids.lock`` and those of a registry are two counts of different things.
    """
    installed = schemas_of(service, catalogues.discover())
    if not settings.registry_ids:
        if settings.registry_url:
            raise StartError(
                f"{service.name} has a registry but no id map",
                why="FARANDOLE_REGISTRY_URL is set, FARANDOLE_REGISTRY_IDS is not: one number would mean two schemas",
                do="farandole contracts register   and set FARANDOLE_REGISTRY_IDS to the file that it writes",
                code="E151",
            )
        return installed
    from farandole.registry import IdMap  # noqa: PLC0415 - only a mesh with a registry pays for it

    mapped = IdMap.read(Path(settings.registry_ids)).applied(installed.versions)
    signatures = [one.signature for one in service.handlers] + [one.signature for one in service.timers]
    for event in (event for signature in signatures for event in signature.emits):
        try:
            mapped.id_of(event.avro)
        except ContractError as unmapped:
            raise StartError(unmapped.what, why=unmapped.why, do=unmapped.do, code="E150") from unmapped
    return mapped


def catalogue_here(ids: WireIds) -> Catalogue:
    """Return every schema that is installed, under the ids of the id map, where the mesh has one."""
    installed = [schema for one in catalogues.discover() for schema in one.versions]
    if not ids.registry_ids:
        return Catalogue(installed)
    from farandole.registry import IdMap  # noqa: PLC0415 - as above

    return IdMap.read(Path(ids.registry_ids)).applied(installed)


@asynccontextmanager
async def source_of(catalogue: Catalogue, settings: Settings, clock: Clock) -> AsyncGenerator[SchemaSource]:
    """Give the catalogue, with the registry behind it where there is one. Nothing is asked yet. Raises StartError."""
    if not settings.registry_url:
        yield catalogue
        return
    from farandole.registry import RegistrySource, check_url, connect  # noqa: PLC0415 - as above

    try:
        check_url(settings.registry_url)
    except UsageError as wrong:
        raise StartError(wrong.what, why=wrong.why, do=wrong.do, code="E151") from wrong
    password = settings.registry_password.get_secret_value()
    async with connect(settings.registry_url, username=settings.registry_username, password=password) as registry:
        yield RegistrySource(catalogue, registry, clock)
