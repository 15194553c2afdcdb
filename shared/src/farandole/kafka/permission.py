"""Permission: what the brokers refuse because of who asks, told apart from brokers that are away."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from farandole.errors import BrokerUnavailableError, NotPermittedError
from farandole.kafka.connection import Connection
from farandole.kafka.departure import AUTHORISATION

WITHIN: Final = 15.0


@contextmanager
def permitted(what: str) -> Generator[None]:
    """Turn the brokers' refusal of ``what`` ("write to x") into NotPermittedError; other errors pass as they are."""
    try:
        yield
    except BrokerUnavailableError as error:
        cause = error.__cause__
        if cause is None or not is_refused(cause):
            raise
        raise NotPermittedError(
            f"not permitted to {what}; nothing was done",
            why=str(cause.args[0]),
            do="ask whoever runs the brokers for it (docs/howto/work-on-a-remote-mesh.md), or choose another --context",
        ) from error


def demand_visible(connection: Connection, topic: str) -> None:
    """Return where a topic that the brokers do not name among theirs is really not there. Blocks.

    Raises NotPermittedError where they only keep it from whoever asks, and BrokerUnavailableError.
    """
    with permitted(f"see {topic}"):
        try:
            found = AdminClient(connection.properties()).list_topics(topic, timeout=WITHIN).topics.get(topic)
            if found is not None and found.error is not None and is_refused(KafkaException(found.error)):
                raise KafkaException(found.error)
        except KafkaException as error:
            raise BrokerUnavailableError(
                f"the brokers do not tell of {topic}", why=str(error.args[0]), do="farandole doctor"
            ) from error


def is_refused(error: BaseException) -> bool:
    """Say whether an error of the client means that whoever asks may not."""
    told = error.args[0] if isinstance(error, KafkaException) and error.args else None
    return isinstance(told, KafkaError) and told.code() in AUTHORISATION
