"""Groups: which consumer groups the brokers know."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import Connection

WITHIN: Final = 10.0


def group_names(connection: Connection) -> tuple[str, ...]:
    """Return the names of the consumer groups, sorted. Blocks. Raises BrokerUnavailableError."""
    try:
        # The client has to outlive its question: one that is gone has an empty answer, and no error.
        admin = AdminClient(connection.properties())
        listed: Any = admin.list_consumer_groups(request_timeout=WITHIN).result(WITHIN)
    except (KafkaException, TimeoutError) as away:
        raise BrokerUnavailableError("the consumer groups cannot be read", why=str(away)) from away
    return tuple(sorted(one.group_id for one in listed.valid))
