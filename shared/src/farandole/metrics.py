"""Metrics: what a service counts about its deliveries, in Prometheus' terms. No label ever holds an id or a key."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from farandole.breaker import BreakerState, Phase
from farandole.delivery import Delivery
from farandole.recovery import Decision, Pause

log = structlog.get_logger(__name__)

TELL_EVERY: Final = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """What a worker has done since it started, over all event types."""

    handled: int
    dropped: int
    skipped: int
    retried: int
    dead: int
    conflicting: int


class Metrics:
    """The counters of one service, in a registry of their own. Thread-safe."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self._tally: Tally[str] = Tally()
        self._told_until: dict[tuple[str, int], float] = {}
        self._outcomes = Counter(
            "farandole_deliveries",
            "Deliveries by how they ended: handled, dropped (duplicate), skipped (by a replay), retried, dead.",
            ("service", "type", "outcome"),
            registry=self.registry,
        )
        self._conflicts = Counter(
            "farandole_conflicting_ids",
            "Deliveries whose content differs from what is known under their id.",
            ("service", "type"),
            registry=self.registry,
        )
        self._failures = Counter(
            "farandole_failures",
            "Handler runs that failed, by the error's class and what was decided.",
            ("service", "type", "error", "decision"),
            registry=self.registry,
        )
        self._duration = Histogram(
            "messaging_process_duration_seconds",
            "How long one run of a handler took.",
            ("service", "type"),
            registry=self.registry,
        )
        self._running = Gauge(
            "farandole_running", "Handlers that run at present.", ("service",), registry=self.registry
        )
        self._rejoins = Counter(
            "farandole_rejoins", "Times that everything in flight was abandoned.", ("service",), registry=self.registry
        )
        self._held = Gauge(
            "farandole_assigned_partitions",
            "Partitions that this process holds at present.",
            ("service", "group"),
            registry=self.registry,
        )
        self._departures = Counter(
            "farandole_group_departures",
            "Times that a consumer left its group unasked: silent, put_out, max_poll, fenced, failed, refused.",
            ("service", "group", "reason"),
            registry=self.registry,
        )
        self._lost_records = Counter(
            "farandole_records_lost_to_retention",
            "Records that retention removed before this service read them.",
            ("service", "topic", "partition"),
            registry=self.registry,
        )
        self._stuck = Counter(
            "farandole_stuck",
            "Handlers whose time was over: interrupted, left (deaf to cancellation), or blocked (kept the loop).",
            ("service", "handler", "how"),
            registry=self.registry,
        )
        self._stuck_flows = Gauge(
            "farandole_stuck_flows",
            "Flows in which what a service expects did not happen in time; only the console shows it.",
            ("service", "expectation"),
            registry=self.registry,
        )
        self._flow_duration = Histogram(
            "farandole_flow_duration_seconds",
            "How long flows took from an event to what a service expects after it; only the console shows it.",
            ("service", "expectation"),
            buckets=(0.1, 0.3, 1, 3, 10, 30, 60, 300, 1_800, 7_200, 86_400, 604_800),
            registry=self.registry,
        )
        self._breaker = Gauge(
            "farandole_breaker_state",
            "A dependency's breaker, as this replica last heard of it: 1 for the state that it is in.",
            ("service", "dependency", "state"),
            registry=self.registry,
        )
        self._transitions = Counter(
            "farandole_breaker_transitions",
            "Transitions of breakers, each counted by the replica that brought it about.",
            ("service", "dependency", "to"),
            registry=self.registry,
        )
        self._waiting = Gauge(
            "farandole_breaker_waiting",
            "Deliveries of this replica that wait for a dependency.",
            ("service", "dependency"),
            registry=self.registry,
        )
        self._partitions = Gauge(
            "farandole_breaker_paused_partitions",
            "Partitions that this replica fetches nothing of, as enough of them waits for a dependency.",
            ("service",),
            registry=self.registry,
        )

    def stuck_flows(self, service: str, expectation: str, count: int) -> None:
        """Show how many flows are stuck, by what a service expects of them."""
        self._stuck_flows.labels(service, expectation).set(count)

    def flow_took(self, service: str, expectation: str, time_taken: timedelta) -> None:
        """Count a flow that kept what a service expects of it."""
        self._flow_duration.labels(service, expectation).observe(time_taken.total_seconds())

    def stuck(self, handler: str, how: str) -> None:
        """Count a handler that did not end when its time was over."""
        self._stuck.labels(self.service, handler, how).inc()

    def holding(self, group: str, partitions: int) -> None:
        """Note how many partitions a group has assigned to this process."""
        self._held.labels(self.service, group).set(partitions)

    def departed(self, group: str, reason: str) -> None:
        """Count that a consumer left its group unasked."""
        self._departures.labels(self.service, group, reason).inc()

    def lost_to_retention(self, topic: str, partition: int, count: int) -> None:
        """Count records that were gone before they were read."""
        self._lost_records.labels(self.service, topic, str(partition)).inc(count)

    def watch_held(self, held: Callable[[], float]) -> None:
        """Show how many deliveries are held in memory; ``held`` is called at each scrape, from any thread."""
        gauge = Gauge(
            "farandole_held",
            "Deliveries held in memory: not due yet, waiting at the head of their key, or behind one that waits.",
            ("service",),
            registry=self.registry,
        )
        gauge.labels(self.service).set_function(held)

    def handled(self, event_type: str) -> None:
        """Count a delivery that was handled."""
        self._count(event_type, "handled")

    def dropped(self, event_type: str) -> None:
        """Count a duplicate that was dropped."""
        self._count(event_type, "dropped")

    def skipped(self, event_type: str) -> None:
        """Count a delivery of a replay that asked for no run of its handler."""
        self._count(event_type, "skipped")

    def retried(self, event_type: str) -> None:
        """Count a delivery that went to a retry tier."""
        self._count(event_type, "retried")

    def died(self, event_type: str) -> None:
        """Count a delivery that became a dead letter."""
        self._count(event_type, "dead")

    def totals(self) -> Totals:
        """Return what was done since the start."""
        tally = self._tally
        return Totals(
            handled=tally["handled"],
            dropped=tally["dropped"],
            skipped=tally["skipped"],
            retried=tally["retried"],
            dead=tally["dead"],
            conflicting=tally["conflicting"],
        )

    @contextmanager
    def running(self, event_type: str) -> Generator[None]:
        """Time a run of a handler."""
        began = time.perf_counter()
        running = self._running.labels(self.service)
        running.inc()
        try:
            yield
        finally:
            running.dec()
            self._duration.labels(self.service, event_type).observe(time.perf_counter() - began)

    def failed(self, delivery: Delivery, error: BaseException, decision: Decision) -> None:
        """Count and log a run that failed, with what was decided about it."""
        decided = type(decision).__name__
        self._failures.labels(self.service, delivery.envelope.type, type(error).__name__, decided).inc()
        # What is away is told by `paused`, once for all that wait for it.
        tell = log.debug if isinstance(decision, Pause) else log.warning
        tell(
            "delivery failed",
            service=self.service,
            event_id=delivery.event_id,
            flow=delivery.envelope.correlation_id,
            type=delivery.envelope.type,
            coordinates=str(delivery.coordinates),
            attempt=delivery.attempt,
            decision=decided,
            error=f"{type(error).__name__}: {error}",
        )

    def conflicting(self, delivery: Delivery) -> None:
        """Count and log an event id that came with other content than before."""
        self._tally["conflicting"] += 1
        self._conflicts.labels(self.service, delivery.envelope.type).inc()
        log.error(
            "event id reused with other content",
            service=self.service,
            event_id=delivery.event_id,
            source=delivery.envelope.source,
            coordinates=str(delivery.coordinates),
        )

    def paused(self, topic: str, partition: int, reason: str) -> None:
        """Log that a partition waits; not for each delivery that does, and not each time that it tries again."""
        now = time.monotonic()
        if now >= self._told_until.get((topic, partition), 0.0):
            self._told_until[topic, partition] = now + TELL_EVERY.total_seconds()
            log.warning("partition paused", service=self.service, topic=topic, partition=partition, reason=reason)

    def breaker(self, dependency: str, state: BreakerState) -> None:
        """Show what is known of a dependency's breaker."""
        for phase in Phase:
            self._breaker.labels(self.service, dependency, phase.value).set(state.phase is phase)

    def transition(self, dependency: str, before: BreakerState, after: BreakerState) -> None:
        """Count and log a transition that this replica brought about."""
        self._transitions.labels(self.service, dependency, after.phase.value).inc()
        log.warning(
            "breaker",
            service=self.service,
            dependency=dependency,
            before=before.phase.value,
            after=after.phase.value,
            reason=after.reason,
            lasted=str(after.since - before.since),
        )

    def waits(self, dependency: str, count: int) -> None:
        """Show how many deliveries wait for a dependency."""
        self._waiting.labels(self.service, dependency).set(count)

    def pauses(self, partitions: int) -> None:
        """Show how many partitions are paused because enough of them waits."""
        self._partitions.labels(self.service).set(partitions)

    def rejoined(self) -> None:
        """Count that the ledger's epoch changed and everything in flight was abandoned."""
        self._rejoins.labels(self.service).inc()
        log.warning("ledger epoch changed: abandoning what is in flight and rejoining", service=self.service)

    def undrained(self, count: int) -> None:
        """Log what a drain had to leave unfinished; it is delivered again elsewhere."""
        log.warning("drain ended with deliveries unfinished", service=self.service, unfinished=count)

    def _count(self, event_type: str, outcome: str) -> None:
        self._tally[outcome] += 1
        self._outcomes.labels(self.service, event_type, outcome).inc()
