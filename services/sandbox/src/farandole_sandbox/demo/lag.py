"""Lag: how far the services' consumer groups are behind the ends of their topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec  # the package exports it by no name that a checker sees
from farandole import catalogues, installed
from farandole.engine.runtime import heard_topics
from farandole.errors import BrokerUnavailableError

_WITHIN: Final = 10.0
Groups = Mapping[str, Sequence[str]]


def groups() -> Groups:
    """Return the consumer groups of the installed services with the topics that each is subscribed to."""
    everything = sorted({topic for catalogue in catalogues.discover() for topic in catalogue.topics})
    found: dict[str, Sequence[str]] = {}
    for service in installed.services():
        if service.handlers:
            found[service.name] = heard_topics(service)
        if service.observers:
            found[f"{service.name}.observer"] = everything
    return found


class LagMeter:
    """Asks the broker for offsets. Its calls block: use it in a thread. Not for several threads at once."""

    def __init__(self, bootstrap: str, groups: Groups) -> None:
        self._properties: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 2}
        self._client = AdminClient(self._properties)
        self._consumers: dict[str, Consumer] = {}
        self._groups = groups

    def read(self) -> Mapping[str, int]:
        """Return how many records each group has before it, as "group topic"; what has none before it is left out.

        Raises BrokerUnavailableError.
        """
        try:
            ends = self._ends()
            behind: dict[str, int] = {}
            for group, topics in self._groups.items():
                committed = self._committed(group, [one for one in ends if one[0] in topics])
                for (topic, number), end in ends.items():
                    left = end - committed.get((topic, number), 0)
                    if topic in topics and left > 0:
                        behind[f"{group} {topic}"] = behind.get(f"{group} {topic}", 0) + left
        except KafkaException as error:
            raise BrokerUnavailableError(
                f"the offsets cannot be read: {error.args[0]}", do="farandole doctor"
            ) from error
        return behind

    def _ends(self) -> Mapping[tuple[str, int], int]:
        wanted = {topic for topics in self._groups.values() for topic in topics}
        metadata = self._client.list_topics(timeout=_WITHIN)
        latest = cast("OffsetSpec", OffsetSpec.latest())  # type: ignore[no-untyped-call]
        asked = {
            TopicPartition(name, number): latest
            for name, topic in metadata.topics.items()
            if name in wanted
            for number in topic.partitions
        }
        told = self._client.list_offsets(asked, request_timeout=_WITHIN) if asked else {}
        return {(one.topic, one.partition): future.result().offset for one, future in told.items()}

    def _committed(self, group: str, partitions: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        # Consumers that join nothing: an admin client that asks for a group's offsets crashes the process where the
        # answer is an error, as while the group's coordinator moves (librdkafka 2.16).
        if group not in self._consumers:
            self._consumers[group] = Consumer(self._properties | {"group.id": group, "enable.auto.commit": False})
        asked = [TopicPartition(topic, number) for topic, number in partitions]
        told = self._consumers[group].committed(asked, timeout=_WITHIN)
        return {(one.topic, one.partition): one.offset for one in told if one.offset >= 0}
