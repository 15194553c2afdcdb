"""Books: everything that an audit compares, read once: topics, databases, the outside systems' own books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from farandole_sandbox.demo.northwind import Product
from farandole_sandbox.demo.record import Record
from farandole_sandbox.demo.shop import Placed

Row = Mapping[str, Any]
NO_RECORDS: Final[Sequence[Record]] = ()
NO_EFFECTS: Final[Sequence[Effect]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """A follow-on as an inbox keeps it."""

    event_id: str
    fullname: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Handled:
    """A row of an inbox: an event that a service handled (or gave up), and the follow-ons that it stored with it."""

    event_id: str
    given_up: bool
    promises: tuple[Promise, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Hearing:
    """What a service declares: the event types that it hears and those that its timers emit, by their full names."""

    hears: frozenset[str]
    timed: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One thing that an outside system really did."""

    id: str
    kind: str
    once: str
    order_id: str | None
    parent: str | None = None
    amount_cents: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Books:
    """All books of one mesh. ``tables`` are rows by "service.table"; ``placed`` is what the shop had accepted."""

    placed: Sequence[Placed] = ()
    records: Sequence[Record] = ()
    retries: Sequence[Record] = ()
    dead: Sequence[tuple[str, Record]] = ()
    inboxes: Mapping[str, Mapping[str, Handled]] = field(default_factory=dict[str, Mapping[str, Handled]])
    hearing: Mapping[str, Hearing] = field(default_factory=dict[str, Hearing])
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict[str, Sequence[Row]])
    effects: Sequence[Effect] = ()
    webhooks: Sequence[Row] = ()
    products: Mapping[str, Product] = field(default_factory=dict[str, Product])

    @cached_property
    def events(self) -> Mapping[str, Record]:
        """The events by their ids; of several records of an event, the first."""
        found: dict[str, Record] = {}
        for record in self.records:
            found.setdefault(record.id, record)
        return found

    @cached_property
    def _by_type(self) -> Mapping[str, Sequence[Record]]:
        found: dict[str, list[Record]] = defaultdict(list)
        for event in self.events.values():
            found[event.type].append(event)
        return found

    @cached_property
    def _by_order(self) -> Mapping[tuple[str, str], Sequence[Record]]:
        found: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for event in self.events.values():
            if event.order_id is not None:
                found[event.type, event.order_id].append(event)
        return found

    @cached_property
    def _effects_by_order(self) -> Mapping[tuple[str, str | None], Sequence[Effect]]:
        found: dict[tuple[str, str | None], list[Effect]] = defaultdict(list)
        for effect in self.effects:
            found[effect.kind, effect.order_id].append(effect)
        return found

    @cached_property
    def _effects_by_parent(self) -> Mapping[tuple[str, str | None], Sequence[Effect]]:
        found: dict[tuple[str, str | None], list[Effect]] = defaultdict(list)
        for effect in self.effects:
            found[effect.kind, effect.parent].append(effect)
        return found

    @cached_property
    def orders(self) -> frozenset[str]:
        """The orders that were placed, as Kafka has them."""
        return frozenset(str(event.order_id) for event in self.of_type("OrderPlaced"))

    def of_type(self, name: str) -> Sequence[Record]:
        """Return the events of a type, each once."""
        return self._by_type.get(name, NO_RECORDS)

    def of(self, order_id: str, *types: str) -> Sequence[Record]:
        """Return the events of these types that an order has, each once."""
        return [event for name in types for event in self._by_order.get((name, order_id), NO_RECORDS)]

    def has(self, order_id: str, *types: str) -> bool:
        """Tell whether an order has an event of one of these types."""
        return any((name, order_id) in self._by_order for name in types)

    def done(self, kind: str, order_id: str) -> Sequence[Effect]:
        """Return what an outside system did of this kind for an order."""
        return self._effects_by_order.get((kind, order_id), NO_EFFECTS)

    def done_to(self, kind: str, parent: str) -> Sequence[Effect]:
        """Return what was done of this kind to another effect: the void of a hold, the refund of a capture."""
        return self._effects_by_parent.get((kind, parent), NO_EFFECTS)

    def rows(self, table: str) -> Sequence[Row]:
        """Return the rows of "service.table"; none where there is no such table."""
        return self.tables.get(table, ())
