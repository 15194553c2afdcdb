"""RegistrySource: the schemas that are installed, and those that a registry has to be asked for, once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final, Protocol

from farandole.clock import Clock
from farandole.errors import ContractError, FarandoleError, RegistryUnavailableError, UnknownSchemaError
from farandole.registry.foreign import read_foreign
from farandole.schema import Catalogue, EventSchema

UNKNOWN_FOR: Final = timedelta(minutes=1)
MOST_UNKNOWN: Final = 1_000
MOST_AT_ONCE: Final = 4
AWAY_FOR: Final = timedelta(milliseconds=200)
"""After a failure nothing is asked for so long: deliveries of many ids would only wait in a row for the same answer."""


class Lookup(Protocol):
    """Who is asked."""

    async def schema(self, schema_id: int) -> str | None:
        """Return a schema's text, or None where it has none. Raises RegistryUnavailableError, or ContractError."""
        ...


class RegistrySource:
    """A catalogue, and behind it a registry. For one event loop.

    What the registry has is remembered for ever, as ids are given once. That it does not have an id, or has what is
    not to be used, is remembered for a minute, of a thousand ids at most. An id is asked for once at a time, whoever
    waits for it.
    """

    def __init__(self, catalogue: Catalogue, registry: Lookup, clock: Clock) -> None:
        self._catalogue = catalogue
        self._registry = registry
        self._clock = clock
        self._learnt: dict[int, EventSchema] = {}
        self._unknown: dict[int, tuple[datetime, FarandoleError]] = {}
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._away: tuple[datetime, RegistryUnavailableError] | None = None

    def by_id(self, schema_id: int) -> EventSchema:
        """Return a schema that is installed or was learnt. Raises UnknownSchemaError or RegistryUnavailableError."""
        if schema_id in self._catalogue:
            return self._catalogue.by_id(schema_id)
        if schema_id in self._learnt:
            return self._learnt[schema_id]
        self._raise_if_unknown(schema_id)
        raise RegistryUnavailableError(
            f"the registry was not asked for schema id {schema_id} yet", do="await learn first, or try again"
        )

    def id_of(self, schema: EventSchema) -> int:
        """Return the id under which events of this schema are written. Raises ContractError where it has none."""
        return self._catalogue.id_of(schema)

    async def learn(self, schema_id: int) -> None:
        """Ask the registry, where the id is not known. Raises UnknownSchemaError or RegistryUnavailableError."""
        if schema_id in self._catalogue or schema_id in self._learnt:
            return
        self._raise_if_unknown(schema_id)
        asking = self._asking.get(schema_id)
        if asking is None:
            asking = self._asking[schema_id] = asyncio.create_task(self._ask(schema_id))
            asking.add_done_callback(lambda task: self._asked(schema_id, task))
        # The one who began may be abandoned, while others wait for the same answer.
        await asyncio.shield(asking)

    async def _ask(self, schema_id: int) -> None:
        async with self._turns:
            if self._away is not None and self._clock.now() < self._away[0]:
                raise self._away[1]
            try:
                text = await self._registry.schema(schema_id)
            except RegistryUnavailableError as error:
                self._away = self._clock.now() + AWAY_FOR, error
                raise
            except ContractError as refused:
                self._forget_in_time(schema_id, _unusable(schema_id, refused.why))
            else:
                self._remember(schema_id, text)
        self._raise_if_unknown(schema_id)

    def _remember(self, schema_id: int, text: str | None) -> None:
        if text is None:
            self._forget_in_time(schema_id, _nobodys(schema_id))
            return
        try:
            self._learnt[schema_id] = read_foreign(text, schema_id)
        except UnknownSchemaError as refused:
            self._forget_in_time(schema_id, refused)

    def _forget_in_time(self, schema_id: int, error: FarandoleError) -> None:
        self._unknown.pop(schema_id, None)
        self._unknown[schema_id] = self._clock.now() + UNKNOWN_FOR, error
        while len(self._unknown) > MOST_UNKNOWN:
            del self._unknown[next(iter(self._unknown))]

    def _raise_if_unknown(self, schema_id: int) -> None:
        until, error = self._unknown.get(schema_id, (None, None))
        if until is None or error is None:
            return
        if self._clock.now() < until:
            raise type(error)(error.what, why=error.why, do=error.do)
        del self._unknown[schema_id]

    def _asked(self, schema_id: int, task: asyncio.Task[None]) -> None:
        self._asking.pop(schema_id, None)
        if not task.cancelled():
            task.exception()  # looked at, for where nobody waits any more


def _nobodys(schema_id: int) -> UnknownSchemaError:
    return UnknownSchemaError(
        f"schema id {schema_id} is unknown",
        why="neither this service nor the registry has it",
        do="find out who wrote the record: the id is of another registry, or the bytes are none of Avro's",
    )


def _unusable(schema_id: int, why: str) -> UnknownSchemaError:
    return UnknownSchemaError(
        f"schema id {schema_id} of the registry is not one to be used", why=why, do="see who registered it"
    )
