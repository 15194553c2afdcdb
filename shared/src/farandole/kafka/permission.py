"""Permission: what the brokers refuse because of who asks, told apart from brokers that are away."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from farandole.errors import BrokerUnavailableError, NotPermittedError
from farandole.kafka.departure import AUTHORISATION


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


def is_refused(error: BaseException) -> bool:
    """Say whether an error of the client means that whoever asks may not."""
    told = error.args[0] if isinstance(error, KafkaException) and error.args else None
    return isinstance(told, KafkaError) and told.code() in AUTHORISATION
