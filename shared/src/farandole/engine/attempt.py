"""Attempt: runs a handler once for a delivery, inside the service's own transaction where it has a store."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from farandole.codec import Codec
from farandole.delivery import Delivery
from farandole.engine.encoder import Encoder
from farandole.engine.replaying import replaying
from farandole.engine.timely import in_time
from farandole.engine.watch import Inline, Watch
from farandole.errors import StuckError, UndecodableError
from farandole.event import Event
from farandole.follow_on import Outcome
from farandole.handler import Handler
from farandole.metrics import Metrics
from farandole.store import AlreadyHandled, Store, StoredFollowOn, UnitOfWork, inbox_id
from farandole.store import Tombstoned as GivenUp

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Handled:
    """The event is handled: now, or before, which is ``remembered`` (these are the follow-ons that the inbox kept)."""

    follow_ons: Sequence[StoredFollowOn]
    remembered: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstoned:
    """This attempt was given up before: here, before a crash, or by another worker that the delivery was lost to."""


class Attempt:
    """Runs handlers. ``arguments`` are each handler's provided values, by its name."""

    def __init__(
        self,
        *,
        codec: Codec,
        encoder: Encoder,
        store: Store | None,
        arguments: Mapping[str, Mapping[str, Any]],
        metrics: Metrics,
        watch: Watch,
    ) -> None:
        self._codec = codec
        self._encoder = encoder
        self._store = store
        self._arguments = arguments
        self._metrics = metrics
        self._watch = watch

    async def run(self, delivery: Delivery, handler: Handler) -> Handled | Tombstoned:
        """Run the handler once, or find that the inbox remembers the event. Raises whatever the handler raises."""
        if self._store is None:
            await self._codec.learn(delivery.record.value)
            outcome = await self._call(delivery, handler, None)
            return Handled(follow_ons=self._encoder.follow_ons(delivery, handler, outcome))
        key = delivery.envelope.source, inbox_id(delivery.event_id, delivery.replay_id)
        known = (await self._store.handled([key])).get(key)
        if known is not None:
            return Handled(follow_ons=known.follow_ons, remembered=True)
        # Now and not inside: whoever is asked for a schema may take seconds, and a transaction keeps others waiting.
        await self._codec.learn(delivery.record.value)
        return await self._run_in_transaction(delivery, handler, self._store)

    async def _run_in_transaction(self, delivery: Delivery, handler: Handler, store: Store) -> Handled | Tombstoned:
        source, key = delivery.envelope.source, inbox_id(delivery.event_id, delivery.replay_id)
        digest = delivery.digest.to_bytes(4, "big")
        try:
            async with store.delivery(source, key, delivery.attempt, digest) as kept:
                outcome = await self._call(delivery, handler, kept.work)
                follow_ons = self._encoder.follow_ons(delivery, handler, outcome)
                await kept.finish(follow_ons)
        except AlreadyHandled as hit:
            return Handled(follow_ons=hit.entry.follow_ons, remembered=True)
        except GivenUp:
            return Tombstoned()
        return Handled(follow_ons=follow_ons)

    async def _call(self, delivery: Delivery, handler: Handler, work: UnitOfWork | None) -> Outcome:
        if delivery.record.value is None:
            raise UndecodableError(
                "the record has no value",
                why="a tombstone record on an event topic is no event",
                do="find out who writes null values to this topic",
            )
        event = self._codec.decode(delivery.record.value, handler.event)
        arguments = dict(self._arguments[handler.name])
        for name, annotation in handler.injected:
            if annotation is Delivery:
                arguments[name] = delivery
            elif annotation is UnitOfWork:
                arguments[name] = work
        if delivery.replay is None:
            return await self._invoke(delivery, handler, event, arguments)
        with replaying(delivery.replay):
            return await self._invoke(delivery, handler, event, arguments)

    async def _invoke(
        self, delivery: Delivery, handler: Handler, event: Event, arguments: Mapping[str, Any]
    ) -> Outcome:
        if not handler.is_async:
            return self._call_inline(delivery, handler, event, arguments)
        running: Coroutine[Any, Any, Outcome] = handler.function(event, **arguments)
        return await in_time(
            running, name=handler.name, limit=handler.timeout, on_left=lambda: self._left(delivery, handler)
        )

    def _call_inline(self, delivery: Delivery, handler: Handler, event: Event, arguments: Mapping[str, Any]) -> Outcome:
        self._watch.running = Inline(handler=handler.name, timeout=handler.timeout, coordinates=delivery.coordinates)
        try:
            result: Outcome = handler.function(event, **arguments)
            return result
        finally:
            self._watch.running = None

    def _left(self, delivery: Delivery, handler: Handler) -> None:
        error = StuckError(
            f"{handler.name} goes on although it was cancelled",
            why="it catches CancelledError and does not end, or waits for something that is shielded",
            do="let CancelledError pass; its delivery is tried again, and what it still does counts for nothing",
            code="E332",
        )
        self._metrics.stuck(handler.name, "left")
        log.error("a handler is left behind", coordinates=str(delivery.coordinates), error=str(error))
