"""PrivateTopics: the topics that belong to one service: its retry tiers, its redelivery topic, its dead letters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_PRIVATE: Final = re.compile(r"(?P<service>.+)\.(?:retry\.[0-9]+|redelivery|dlq)")
EVERY_PRIVATE_TOPIC: Final = r"^.+\.(retry\.[0-9]+|redelivery|dlq)$"
"""Every private topic of every service, as a Kafka client is subscribed to them, also to those that are made later."""


def owner_of(topic: str) -> str:
    """Return the service whose private topic this is; empty for any other topic."""
    found = _PRIVATE.fullmatch(topic)
    return found["service"] if found else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateTopics:
    """The names of a service's private topics; ``tiers`` is how many retry tiers its handlers can reach."""

    service: str
    tiers: int

    def retry(self, tier: int) -> str:
        """Return the retry tier ``tier``, counted from 1; beyond the last one, the last."""
        return f"{self.service}.retry.{min(tier, self.tiers)}"

    @property
    def redelivery(self) -> str:
        """Where redrive and replay arrive."""
        return f"{self.service}.redelivery"

    @property
    def dead_letters(self) -> str:
        """Where deliveries go that the service gave up on."""
        return f"{self.service}.dlq"

    @property
    def heard(self) -> tuple[str, ...]:
        """The private topics that the service itself subscribes to."""
        return (*(self.retry(tier) for tier in range(1, self.tiers + 1)), self.redelivery)

    @property
    def all(self) -> tuple[str, ...]:
        """Every private topic of the service."""
        return (*self.heard, self.dead_letters)

    def is_private(self, topic: str) -> bool:
        """Say whether attempt headers may be believed on this topic."""
        return topic in self.heard


class AllPrivate(PrivateTopics):
    """The private topics of a service as whoever reads them from outside takes them: attempts are believed on all.

    Also on dead letters, and on tiers of the past.
    """

    def is_private(self, topic: str) -> bool:  # noqa: ARG002 - whatever the topic
        """Believe attempts on every topic that is read with this."""
        return True
