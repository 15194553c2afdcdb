"""MeshTopics: every topic that the installed services and schemas want."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from farandole import catalogues, installed
from farandole.engine.runtime import private_topics_of
from farandole.generations import log as generations
from farandole.kafka.topics import Topic, audit_topic, domain_topic, outcome_topic, private_topics, service_topic
from farandole.schema import Catalogue
from farandole.service import Service

DOMAIN_PARTITIONS: Final = 4
PRIVATE_PARTITIONS: Final = 1


def topics_of(
    services: Sequence[Service], schemas: Iterable[Catalogue], *, partitions: int = DOMAIN_PARTITIONS
) -> Sequence[Topic]:
    """Return the domain topics of these schemas, with equal partition counts, the private topics and the mesh's own.

    Topics that share a key must have equal partition counts, so that what belongs together is handled together.
    """
    domain = sorted({name for catalogue in schemas for name in catalogue.topics})
    wanted = [domain_topic(name, partitions=partitions) for name in domain]
    for service in services:
        if service.handlers:
            wanted += private_topics(private_topics_of(service), partitions=PRIVATE_PARTITIONS)
    if any(service.read_model is not None for service in services):
        wanted.append(generations.topic())
    return [*wanted, audit_topic(), outcome_topic(), service_topic()]


def installed_topics() -> Sequence[Topic]:
    """Return the topics of what is installed here. Imports every service."""
    return topics_of(installed.services(), catalogues.discover())
