"""Ground: a rebuild of one service on one mesh, with everything that it asks, opened and closed together."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from farandole.clock import SystemClock
from farandole.contexts import Target
from farandole.generations.distance import Logs
from farandole.generations.following import Following
from farandole.generations.log import GenerationLog
from farandole.kafka.publisher import KafkaPublisher
from farandole.rebuild.mesh import Mesh
from farandole.rebuild.rebuilding import Rebuilding
from farandole.rebuild.subject import demand_read_model, subject_of
from farandole.service import Service
from farandole.settings import Settings


@asynccontextmanager
async def rebuilding_of(service: Service, target: Target) -> AsyncGenerator[Rebuilding]:
    """Give the rebuilds of a service. Raises UsageError where it is no read model, and BrokerUnavailableError."""
    demand_read_model(service)
    connection = target.connection
    publisher = KafkaPublisher(connection)
    try:
        async with subject_of(service, settings_of(service, target), connection) as subject:
            yield Rebuilding(
                subject,
                log=GenerationLog(connection, publisher),
                logs=Logs(connection, subject.topics),
                mesh=Mesh(connection, subject.topics),
                following=Following(connection, service=service.name),
                clock=SystemClock(),
            )
    finally:
        await publisher.close()


def settings_of(service: Service, target: Target) -> Settings:
    """Return the settings of a process of the service on that mesh; the rest is as the environment says."""
    connection = target.connection
    return Settings.model_validate(
        {
            **Settings().model_dump(),
            "brokers": connection.bootstrap,
            "security_protocol": connection.security_protocol,
            "sasl_mechanism": connection.sasl_mechanism,
            "sasl_username": connection.sasl_username,
            "sasl_password": connection.sasl_password,
            "ca_file": connection.ca_file,
            "cluster": target.cluster,
            "redis_url": target.redis_url,
            "database_url": target.database_urls.get(service.name, ""),
            "instance": "",
        }
    )
