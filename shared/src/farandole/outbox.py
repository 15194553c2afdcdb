"""Outbox: how a request, a webhook or a timer puts an event into the mesh: with its business row, in one commit."""

from __future__ import annotations

import uuid

from farandole.clock import Clock
from farandole.engine.encoder import Encoder
from farandole.engine.replaying import present_replay
from farandole.errors import ContractError
from farandole.event import Event
from farandole.identity import replayed_id
from farandole.store import OutboxRow, Store, UnitOfWork


class Outbox:
    """Adds events that no event caused. They are published by the service's relay, in the order of their commits."""

    def __init__(self, *, store: Store, encoder: Encoder, clock: Clock, declared: frozenset[type[Event]]) -> None:
        """Take what it stands on, and the event types that the service declares for it."""
        self._store = store
        self._declared = declared
        self._encoder = encoder
        self._clock = clock

    async def add(
        self,
        work: UnitOfWork,
        event: Event,
        *,
        event_id: str | None = None,
        flow: str | None = None,
        causes: tuple[str, ...] = (),
    ) -> str:
        """Put an event into the outbox, to be published once ``work`` commits; return its id.

        Without an ``event_id`` it gets a random one; without a ``flow`` it begins one. An id that still waits in the
        outbox is not added twice; one that was published before is published again and dropped by every consumer.
        A handler that runs in a replay adds nothing; with a cascade what it adds has an id of the replay's own.
        Raises ContractError where the service does not declare the type or a field does not fit, OversizeError where
        the event is too large.
        """
        self._demand_declared(event)
        event_id = event_id or str(uuid.uuid4())
        replay = present_replay()
        if replay is not None:
            if not replay.cascade:
                return event_id
            event_id = replayed_id(event_id, replay_id=replay.id)
        encoded = self._encoder.first(event, event_id=event_id, flow=flow, causes=causes)
        row = OutboxRow(
            id=encoded.event_id,
            topic=encoded.topic,
            key=encoded.key,
            headers=encoded.headers,
            value=encoded.value,
            created=self._clock.now(),
        )
        await self._store.outbox.add(work, row)
        return event_id

    def _demand_declared(self, event: Event) -> None:
        if type(event) not in self._declared:
            name = type(event).__name__
            raise ContractError(
                f"{name} was put into the outbox, which its service does not declare",
                why=f"declared are {', '.join(sorted(one.__name__ for one in self._declared)) or 'none'}",
                do=f"service.emits({name}, by=…)   beside its handlers: the topology is made of that",
                code="E580",
            )
