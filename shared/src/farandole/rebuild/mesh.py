"""Mesh: what a rebuild asks of the brokers: groups that nobody is in, and where they begin to read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from farandole.engine.ports import Partition
from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader, Span
from farandole.kafka.subscription import subscribed

WITHIN: Final = 15.0
_GONE: Final = KafkaError.GROUP_ID_NOT_FOUND


class Mesh:
    """The brokers, for rebuilds. Every method raises BrokerUnavailableError."""

    def __init__(self, connection: Connection, topics: Iterable[str]) -> None:
        self._connection = connection
        self._has = subscribed(topics)

    async def spans(self, since: datetime | None) -> tuple[dict[Partition, Span], int]:
        """Return what the logs hold, from a moment on where one is given, and how many offsets are gone from them."""
        return await asyncio.to_thread(self._spans, since)

    async def begin_at(self, group: str, spans: dict[Partition, Span]) -> None:
        """Let a group that has no member and no offset begin there."""
        await asyncio.to_thread(self._begin_at, group, spans)

    async def members(self, group: str) -> Sequence[str]:
        """Return who is in a group; nobody where there is no such group."""
        return await asyncio.to_thread(self._members, group)

    async def forget(self, group: str) -> None:
        """Delete a group that nobody is in; harmless where it is gone."""
        await asyncio.to_thread(self._forget, group)

    def _spans(self, since: datetime | None) -> tuple[dict[Partition, Span], int]:
        reader = LogReader(self._connection)
        partitions = [one for one in reader.partitions() if self._has(one.topic)]
        starts, ends = reader.starts(partitions), reader.ends(partitions)
        gone = sum(starts.values()) if since is None else 0
        if since is not None:
            found = reader.since(partitions, since)
            starts = {one: found[one] if found[one] >= 0 else ends[one] for one in partitions}
        return {one: Span(start=starts[one], end=ends[one]) for one in partitions}, gone

    def _begin_at(self, group: str, spans: dict[Partition, Span]) -> None:
        offsets = [TopicPartition(one.topic, one.number, span.start) for one, span in spans.items()]
        client = self._admin()
        asked = client.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, offsets)], request_timeout=WITHIN
        )
        _answered(asked[group])

    def _members(self, group: str) -> Sequence[str]:
        client = self._admin()
        try:
            described = _answered(client.describe_consumer_groups([group], request_timeout=WITHIN)[group])
        except _NoGroupError:
            return ()
        return [f"{one.client_id}@{one.host}" for one in described.members]

    def _forget(self, group: str) -> None:
        client = self._admin()
        try:
            _answered(client.delete_consumer_groups([group], request_timeout=WITHIN)[group])
        except _NoGroupError:
            return

    def _admin(self) -> AdminClient:
        """Return a client, which its caller has to keep: of one that is collected no answer comes any more."""
        return AdminClient(self._connection.properties())


class _NoGroupError(Exception):
    """There is no such group."""


def _answered(future: Any) -> Any:
    try:
        return future.result(WITHIN)
    except (KafkaException, TimeoutError) as error:
        told = error.args[0] if error.args else None
        if isinstance(told, KafkaError) and told.code() == _GONE:
            raise _NoGroupError from error
        raise BrokerUnavailableError(
            f"the brokers refuse, or do not answer: {told}",
            why="Kafka is away, or these credentials may not manage consumer groups",
            do="farandole doctor",
        ) from error
