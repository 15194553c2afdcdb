"""Eyes: what the brokers and Redis are asked about the mesh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient
from farandole.breaker import BreakerState, RedisBreakers
from farandole.engine.ports import Partition
from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.kafka.topics import cluster_id
from farandole.operations import AuditTopic, Noted

WITHIN: Final = 10.0
MOST_GROUPS: Final = 200


class Eyes(Protocol):
    """What the gatherer looks with. Methods that are not async block. Each raises FarandoleError."""

    def ends(self) -> tuple[Mapping[Partition, int], Mapping[Partition, int]]:
        """Return the first and the next offset of each partition."""
        ...

    def groups(self) -> Mapping[str, tuple[int, str]]:
        """Return of each consumer group how many members it has, and its state."""
        ...

    def committed(self, group: str, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Return what a group has committed."""
        ...

    async def breakers(self) -> Mapping[str, BreakerState]:
        """Return the state of each breaker."""
        ...

    async def notes(self, since: datetime | None) -> tuple[Sequence[Noted], int]:
        """Return the records of the audit topic since a moment, and how many others there were."""
        ...


class MeshEyes:
    """Looks at a real mesh. See Eyes."""

    def __init__(self, connection: Connection, *, redis_url: str, cluster: str) -> None:
        self._connection = connection
        self._redis_url = redis_url
        self._cluster = cluster
        self._admin: AdminClient | None = None

    def ends(self) -> tuple[Mapping[Partition, int], Mapping[Partition, int]]:
        """See Eyes."""
        reader = LogReader(self._connection)
        partitions = [one for one in reader.partitions() if not one.topic.startswith("__")]
        return reader.starts(partitions), reader.ends(partitions)

    def groups(self) -> Mapping[str, tuple[int, str]]:
        """See Eyes."""
        try:
            admin = self._admin = self._admin or AdminClient(self._connection.properties())
            listed: Any = admin.list_consumer_groups(request_timeout=WITHIN).result(WITHIN)
            names = sorted(one.group_id for one in listed.valid)[:MOST_GROUPS]
            if not names:
                return {}
            answers: Any = admin.describe_consumer_groups(names, request_timeout=WITHIN)
            described = {name: answer.result(WITHIN) for name, answer in answers.items()}
        except (KafkaException, TimeoutError) as away:
            raise BrokerUnavailableError("the consumer groups cannot be read", why=str(away)) from away
        return {name: (len(one.members), _word(one.state)) for name, one in described.items()}

    def committed(self, group: str, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """See Eyes."""
        return LogReader(self._connection).committed(group, partitions)

    async def breakers(self) -> Mapping[str, BreakerState]:
        """See Eyes."""
        self._cluster = self._cluster or await cluster_id(self._connection)
        return await RedisBreakers.look(self._redis_url, cluster=self._cluster)

    async def notes(self, since: datetime | None) -> tuple[Sequence[Noted], int]:
        """See Eyes."""
        async with AuditTopic(self._connection) as topic:
            return await topic.read(since=since), topic.foreign


def _word(state: ConsumerGroupState) -> str:
    return state.name.lower().replace("_", " ")
