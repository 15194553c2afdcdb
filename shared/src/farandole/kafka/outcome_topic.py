"""OutcomeTopic: where workers tell outcomes: a producer of its own, so that it holds up nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from farandole.kafka.connection import Connection
from farandole.kafka.topics import OUTCOMES

log = structlog.get_logger(__name__)

GIVEN_UP_AFTER: Final = timedelta(seconds=10)
MOST_QUEUED_KB: Final = 4 * 1024
LAST_WORDS: Final = 1.0
"""How many seconds a process that ends waits for what it told last."""


class OutcomeTopic:
    """The topic of outcomes, to be written to. Best effort: what the brokers do not take in time is lost.

    It connects at the first batch. For one event loop.
    """

    def __init__(self, connection: Connection) -> None:
        self._properties: dict[str, Any] = connection.properties() | {
            "acks": "1",
            "linger.ms": 5,
            "compression.type": "none",
            "message.timeout.ms": GIVEN_UP_AFTER // timedelta(milliseconds=1),
            "queue.buffering.max.kbytes": MOST_QUEUED_KB,
            "error_cb": _complains,
        }
        self._producer: Producer | None = None

    def take(self, value: bytes) -> bool:
        """Queue a batch; refuse it where the queue is full, or the topic is not there. Never waits, never raises."""
        try:
            self._producer = self._producer or Producer(self._properties)
            self._producer.poll(0)
            self._producer.produce(OUTCOMES, value=value)
        except (BufferError, KafkaException) as error:
            log.debug("outcomes are not told", reason=str(error))
            return False
        return True

    def close(self) -> None:
        """Give what was told last a second. Blocks for so long at most."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.flush(LAST_WORDS)
            producer.purge()


def _complains(error: KafkaError) -> None:
    # The other clients of the process say the same, and it matters there.
    log.debug("the producer of outcomes complains", error=error.str())
