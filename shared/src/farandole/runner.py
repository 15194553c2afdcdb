"""Runner: a service as a process: settings, signals, HTTP, and its runtime on Kafka, Redis and a database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog

from farandole import log
from farandole.breaker import RedisBreakers
from farandole.clock import Clock, SystemClock
from farandole.engine.observing import observed_topics
from farandole.engine.runtime import Ports, Runtime, heard_topics
from farandole.engine.watch import Watch
from farandole.errors import BrokerUnavailableError, MembershipError, StartError
from farandole.generations.hosting import RuntimeHosted, hosting_of
from farandole.generations.serving import Serving
from farandole.http.app import create_app
from farandole.http.server import server
from farandole.kafka.connection import Connection
from farandole.kafka.outcome_topic import OutcomeTopic
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.source import KafkaSource
from farandole.kafka.topics import cluster_id
from farandole.ledger import RedisLedger
from farandole.metrics import Metrics
from farandole.schema import Catalogue, SchemaSource
from farandole.service import Service
from farandole.settings import Settings
from farandole.stopping import Stopping, end_now
from farandole.store import Store
from farandole.topology.announcing import announce
from farandole.windows import check_windows
from farandole.wire_schemas import catalogue_of, source_of

logger = structlog.get_logger(__name__)

AGAIN: Final = timedelta(milliseconds=500)
AFTER_AN_INTERRUPTION: Final = timedelta(seconds=10)
LEAVE_WITHIN: Final = timedelta(seconds=3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What a service reads from."""

    worker: KafkaSource | None
    observer: KafkaSource | None

    @property
    def status(self) -> Mapping[str, Any]:
        """What became of each in its group."""
        return {source.group: source.status for source in self._all}

    def leave_and_end(self, why: str) -> None:
        """Give the partitions to others and end the process: from a thread, as the loop stands still."""
        for source in self._all:
            source.leave(LEAVE_WITHIN)
        end_now(why)

    @property
    def _all(self) -> Sequence[KafkaSource]:
        return [source for source in (self.worker, self.observer) if source is not None]


def run(service: Service) -> None:
    """Run a service as this process, until SIGTERM or SIGINT; a second signal ends it at once.

    Exits with 1 and the error's sentences where the service cannot start, or the brokers refuse it.
    """
    settings = Settings()
    log.configure(settings.log_level, service=service.name)
    try:
        asyncio.run(_main(service, settings))
    except* StartError as group:
        for error in group.exceptions:
            logger.critical("cannot start", error=str(error))
        raise SystemExit(1) from None
    except* MembershipError:
        raise SystemExit(1) from None  # the member has said why


async def _main(service: Service, settings: Settings) -> None:
    this = asyncio.current_task()
    assert this is not None
    stopping = Stopping(settings.drain, this.cancel)
    with stopping.listening():
        try:
            await _run(service, settings, stopping)
        except asyncio.CancelledError:
            if not stopping.asked:
                raise
            logger.info("stopped before it had started")


async def _run(service: Service, settings: Settings, stopping: Stopping) -> None:
    check_windows(service, settings)
    connection = connection_of(settings, client=service.name)
    announce(service, connection, version=settings.version)
    if service.read_model is not None:
        await _serve_generations(service, settings, connection, stopping)
        return
    catalogue = catalogue_of(service, settings)
    async with source_of(catalogue, settings, SystemClock()) as schemas:
        await _on_ports(service, settings, connection, catalogue, schemas, stopping=stopping)


async def _on_ports(
    service: Service,
    settings: Settings,
    connection: Connection,
    catalogue: Catalogue,
    schemas: SchemaSource,
    *,
    stopping: Stopping,
) -> None:
    clock = SystemClock()
    cluster = settings.cluster or await _cluster(connection, clock)
    publisher = KafkaPublisher(connection)
    ledger = RedisLedger(
        settings.redis_url.get_secret_value(), cluster=cluster, service=service.name, window=settings.ledger_window
    )
    breakers = RedisBreakers(settings.redis_url.get_secret_value(), cluster=cluster)
    outcomes = OutcomeTopic(connection) if settings.outcomes and service.handlers else None
    metrics = Metrics(service.name)
    observed = observed_topics(catalogue.topics, service.observers)
    sources = Sources(
        worker=_source(service.name, heard_topics(service), connection, settings, metrics)
        if service.handlers
        else None,
        observer=_source(f"{service.name}.observer", observed, connection, settings, metrics)
        if service.observers
        else None,
    )
    ports = Ports(
        worker_source=sources.worker,
        observer_source=sources.observer,
        publisher=publisher,
        ledger=ledger,
        store=_store(service, settings, clock),
        clock=clock,
        schemas=schemas,
        breakers=breakers,
        outcomes=outcomes,
    )
    runtime = Runtime(service, ports, cluster=cluster, settings=settings, metrics=metrics)
    try:
        async with runtime:
            await _serve(runtime, service, settings, sources, stopping)
    finally:
        if outcomes is not None:
            await asyncio.to_thread(outcomes.close)
        await breakers.close()
        await ledger.close()
        await publisher.close()


async def _serve(runtime: Runtime, service: Service, settings: Settings, sources: Sources, stopping: Stopping) -> None:
    app = create_app(
        status=lambda: status_of(service, runtime, sources.status), registry=runtime.metrics.registry, own=runtime.http
    )
    http = server(app, host=settings.http_host, port=settings.http_port)
    logger.info("started", http=f"http://{settings.http_host}:{settings.http_port}", topics=heard_topics(service))
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(http.serve())

        async def end_requests() -> None:
            http.stop()
            await serving

        stopping.on_asked(lambda: runtime.stop(settings.drain))
        runtime.watch.start(limit=_standstill(service, settings), end=sources.leave_and_end)
        await runtime.run(before_the_outbox_is_emptied=end_requests)
        runtime.watch.stop()


async def _serve_generations(service: Service, settings: Settings, connection: Connection, stopping: Stopping) -> None:
    _demand_database(service, settings)
    cluster = settings.cluster or await _cluster(connection, SystemClock())
    async with hosting_of(service, settings, connection, cluster=cluster) as hosting:
        serving = Serving(service.name, hosting, settings=settings, connection=connection)
        metrics = hosting.metrics

        def status(hosted: RuntimeHosted | None) -> Mapping[str, Any]:
            if hosted is None:
                return {"service": service.name, "totals": totals_of(metrics)}
            return status_of(service, hosted.runtime, {hosted.source.group: hosted.source.status})

        def leave_and_end(why: str) -> None:
            serving.leave(LEAVE_WITHIN)
            end_now(why)

        app = create_app(status=lambda: serving.status(status), registry=metrics.registry, own=serving.switchboard)
        http = server(app, host=settings.http_host, port=settings.http_port)
        logger.info("started", http=f"http://{settings.http_host}:{settings.http_port}")
        watch = Watch(metrics)
        watch.start(limit=_standstill(service, settings), end=leave_and_end)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(http.serve())
            stopping.on_asked(serving.replica.stop)
            await serving.replica.run()
            http.stop()
        watch.stop()


def _standstill(service: Service, settings: Settings) -> timedelta:
    """Return how long the loop may stand still: long enough for each plain function to be interrupted first."""
    longest = max((one.timeout for one in service.handlers if not one.is_async), default=timedelta(0))
    return max(settings.stuck, longest + AFTER_AN_INTERRUPTION)


def status_of(service: Service, runtime: Runtime, groups: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what ``/status`` tells."""
    worker, session = runtime.worker, runtime.session
    return {
        "service": service.name,
        "totals": totals_of(runtime.metrics),
        "in_flight": worker.in_flight if worker else 0,
        "held": worker.held if worker else 0,
        "ledger": (session.unavailable or "ok") if session else "not needed",
        "breakers": breakers_of(runtime),
        "groups": groups,
        "brokers": _unacknowledged(runtime) or "ok",
        "outbox_idle": runtime.relay.idle if runtime.relay else True,
    }


def totals_of(metrics: Metrics) -> Mapping[str, int]:
    """Return what ``/status`` counts."""
    totals = metrics.totals()
    return {
        "handled": totals.handled,
        "dropped": totals.dropped,
        "skipped": totals.skipped,
        "retried": totals.retried,
        "dead": totals.dead,
        "conflicting": totals.conflicting,
    }


def breakers_of(runtime: Runtime) -> Mapping[str, Any]:
    """Return what ``/status`` tells of each dependency: its breaker as last heard, and who waits for it."""
    doors = runtime.gate.doors if runtime.gate is not None else {}
    return {
        name: {
            "state": door.session.phase.value,
            "reason": door.session.known.reason if door.session.known is not None else "",
            "waiting": door.waiting,
            "shared": door.session.unavailable or "ok",
        }
        for name, door in doors.items()
    }


def _unacknowledged(runtime: Runtime) -> str | None:
    """Return why what waits to be published waits; nothing where nothing does, for then nobody asked the brokers."""
    publisher = runtime.publisher
    waits = (runtime.worker is not None and runtime.worker.in_flight > 0) or not (
        runtime.relay is None or runtime.relay.idle
    )
    return publisher.error if waits and isinstance(publisher, KafkaPublisher) else None


def connection_of(settings: Settings, *, client: str) -> Connection:
    """Return how the brokers are reached, by the settings."""
    return Connection(
        bootstrap=settings.brokers,
        client_id=client,
        security_protocol=settings.security_protocol,
        sasl_mechanism=settings.sasl_mechanism,
        sasl_username=settings.sasl_username,
        sasl_password=settings.sasl_password.get_secret_value(),
        ca_file=settings.ca_file,
    )


async def _cluster(connection: Connection, clock: Clock) -> str:
    while True:
        try:
            return await cluster_id(connection)
        except BrokerUnavailableError as error:
            logger.warning("waiting for the brokers", reason=error.what)
            await clock.sleep(AGAIN)


def _source(
    group: str, topics: Sequence[str], connection: Connection, settings: Settings, metrics: Metrics
) -> KafkaSource:
    return KafkaSource(
        connection,
        group=group,
        topics=topics,
        metrics=metrics,
        instance=settings.instance,
        session=settings.session,
    )


def _store(service: Service, settings: Settings, clock: Clock) -> Store | None:
    if service.tables is None:
        return None
    _demand_database(service, settings)
    url = settings.database_url.get_secret_value()
    return Store(url, metadata=(service.tables,), service=service.name, clock=clock)


def _demand_database(service: Service, settings: Settings) -> None:
    if service.tables is not None and not settings.database_url.get_secret_value():
        raise StartError(
            f"{service.name} has tables but no database",
            why="FARANDOLE_DATABASE_URL is not set",
            do="set it to sqlite:///path or postgresql://user:password@host/database",
            code="E118",
        )
