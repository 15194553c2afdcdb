"""Removal: what a generation of a store keeps, taken off the disk or out of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import MetaData, NullPool, create_engine
from sqlalchemy.schema import DropSchema

from farandole.read_model import Generation
from farandole.store.failure import translated
from farandole.store.place import Place, place_of
from farandole.store.tables import metadata as own_tables


async def remove(url: str, *, metadata: Sequence[MetaData], service: str, generation: Generation) -> None:
    """Remove a generation of a store, which nobody may have open. Harmless where it is gone.

    Raises StoreUnavailableError where the database does not answer, and StartError where its URL is no use.
    """
    place = place_of(url, service, generation)
    if place.is_sqlite:
        _remove_files(place)
        return
    with translated(service):
        await asyncio.to_thread(_remove_tables, place, (*metadata, own_tables))


def _remove_files(place: Place) -> None:
    if place.path is None:
        return
    # SQLite's own files beside it, and the locks of `alone`.
    for file in place.path.parent.glob(f"{place.path.name}-*"):
        file.unlink(missing_ok=True)
    place.path.unlink(missing_ok=True)


def _remove_tables(place: Place, tables: Sequence[MetaData]) -> None:
    engine = create_engine(place.url, poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        if place.schema is not None:
            connection.execute(DropSchema(place.schema, cascade=True, if_exists=True))
            return
        for each in tables:
            each.drop_all(connection)
