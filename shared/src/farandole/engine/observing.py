"""Observing: gives a service's observers every delivery of every domain topic, a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog

from farandole.clock import Clock
from farandole.delivery import Delivery, Record
from farandole.engine.intake import Intake
from farandole.engine.pause import FIRST_PAUSE, longer
from farandole.engine.ports import Source
from farandole.engine.thrown import ends_the_task
from farandole.engine.unless import finished
from farandole.handler import Observer
from farandole.private_topics import EVERY_PRIVATE_TOPIC, owner_of

PREFIX: Final = "_farandole."
log = structlog.get_logger(__name__)

THE_MESHS_OWN: Final = r"^_farandole\.(audit|outcomes)$"
"""The mesh's own topics that private observers hear, as a Kafka client is subscribed to them."""


def observed_topics(domain: Sequence[str], observers: Sequence[Observer]) -> tuple[str, ...]:
    """Return what observers are subscribed to: domain topics by name, and for private ones the patterns of the rest."""
    if not any(one.private for one in observers):
        return tuple(domain)
    return (*domain, EVERY_PRIVATE_TOPIC, THE_MESHS_OWN)


def is_of_the_mesh(topic: str) -> bool:
    """Say whether a topic is one of the mesh's own, whose records are no events."""
    return topic.startswith(PREFIX)


def _is_of_domain(delivery: Delivery) -> bool:
    topic = delivery.coordinates.topic
    return not (is_of_the_mesh(topic) or owner_of(topic))


class Observing:
    """Feeds observers. At-least-once, without a ledger: an observer is idempotent; a batch waits until it was taken."""

    def __init__(
        self,
        observers: Sequence[Observer],
        *,
        source: Source,
        intake: Intake,
        arguments: Mapping[str, Mapping[str, Any]],
        clock: Clock,
    ) -> None:
        self._observers = observers
        self._source = source
        self._intake = intake
        self._arguments = arguments
        self._clock = clock
        self._stopping = asyncio.Event()
        self._grace = timedelta(0)
        self.busy = False

    async def run(self) -> None:
        """Feed the observers until stopped or cancelled."""
        await self._source.start(lambda _: None)
        try:
            while not self._stopping.is_set():
                records = await self._source.fetch()
                if records:
                    self.busy = True
                    deliveries = await self._read(records)
                    if deliveries is not None and await self._fed_in_time(deliveries):
                        for record in records:
                            self._source.finish(record)
                self.busy = False
                await asyncio.sleep(0)
        finally:
            await self._source.close()

    def stop(self, grace: timedelta) -> None:
        """Fetch nothing more; `run` returns after the batch in hand.

        Or without it, where an observer fails on it or has not taken it within ``grace``; then it comes again.
        """
        self._grace = grace
        self._stopping.set()

    async def _read(self, records: Sequence[Record]) -> list[Delivery] | None:
        """Return what the records are, or None where it was stopped while a registry was away."""
        pause = FIRST_PAUSE
        while True:
            try:
                return [await self._delivery(record) for record in records]
            except Exception as error:
                log.warning("the observers wait for the type of a record", reason=str(error))
            if not await finished(self._clock.sleep(pause), unless=self._stopping):
                return None
            pause = longer(pause)

    async def _delivery(self, record: Record) -> Delivery:
        topic = record.coordinates.topic
        if is_of_the_mesh(topic):
            return self._intake.delivery(record)
        owner = owner_of(topic)
        return self._intake.private(record, owner) if owner else await self._intake.observed(record)

    async def _fed_in_time(self, deliveries: Sequence[Delivery]) -> bool:
        feeding = asyncio.ensure_future(self._fed(deliveries))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({feeding, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not feeding.done():
                await asyncio.wait({feeding}, timeout=self._grace.total_seconds())
            if feeding.done():
                return feeding.result()
            log.warning("an observer did not take its batch in time and is given it again later")
            return False
        finally:
            # Not awaited: an observer may keep its cancellation to itself.
            feeding.cancel()
            stopping.cancel()

    async def _fed(self, deliveries: Sequence[Delivery]) -> bool:
        of_domain = [one for one in deliveries if _is_of_domain(one)]
        for observer in self._observers:
            given = deliveries if observer.private else of_domain
            pause = FIRST_PAUSE
            while given and not await self._took(observer, given):
                if not await finished(self._clock.sleep(pause), unless=self._stopping):
                    return False
                pause = longer(pause)
        return True

    async def _took(self, observer: Observer, deliveries: Sequence[Delivery]) -> bool:
        try:
            await observer.function(deliveries, **self._arguments[observer.name])
        except BaseException as error:
            if ends_the_task(error):
                raise
            log.exception("an observer failed and is given its batch again", observer=observer.name)
            return False
        return True
