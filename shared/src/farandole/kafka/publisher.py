"""KafkaPublisher: the engine's publisher on the idempotent producer.

`produce` only queues; one thread serves the delivery reports. Reports are counted per publication, not kept.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Report

from farandole.engine.ports import Message
from farandole.engine.size import MOST_PRIVATE_BYTES
from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import ANSWERS_WITHIN, Connection

log = structlog.get_logger(__name__)

POLL: Final = 0.1
BY_KEY: Final = -1
FLUSH_WITHIN: Final = 10.0
DELIVERED_WITHIN: Final = timedelta(minutes=2)
"""How long the client tries by itself, before whoever published is told, and tries again."""
MOST_QUEUED_KB: Final = 64 * 1024
"""What waits for brokers that are away; more than that waits outside, where it is bounded as well."""


class Publication:
    """Messages published together, and how many of their reports are still to come."""

    def __init__(self, count: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = count
        self._error: KafkaError | None = None
        self.acknowledged: asyncio.Future[None] = self._loop.create_future()

    def reported(self, error: KafkaError | None, report: Report) -> None:
        """Take one delivery report; called by the producer's thread.

        The client also reports what it concludes: a later batch was taken, so this one must have been. A broker to
        which the producer is new takes a later batch without the earlier one, so only an offset is an acknowledgement.
        """
        if error is None and report.offset() is None:
            error = KafkaError(KafkaError._STATE, "a later batch overtook it")  # noqa: SLF001 - it has no other name
        self._error = self._error or error
        self._left -= 1
        if self._left == 0:
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if self.acknowledged.done():
            return
        if self._error is None:
            self.acknowledged.set_result(None)
        else:
            error = not_acknowledged(self._error.str())
            error.__cause__ = KafkaException(self._error)
            self.acknowledged.set_exception(error)


class KafkaPublisher:
    """An idempotent producer with `acks=all`. Its methods belong to one event loop."""

    def __init__(self, connection: Connection) -> None:
        self._properties = connection.properties() | {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 1,
            # The topics keep batches as they are: the brokers would only have to unpack them.
            "compression.type": "none",
            "message.max.bytes": MOST_PRIVATE_BYTES,
            "delivery.timeout.ms": DELIVERED_WITHIN // timedelta(milliseconds=1),
            "request.timeout.ms": ANSWERS_WITHIN // timedelta(milliseconds=1),
            "queue.buffering.max.kbytes": MOST_QUEUED_KB,
            "error_cb": self._client_error,
        }
        self._producer = Producer(self._properties)
        self._stop = threading.Event()
        self._failed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="producer reports", daemon=True)
        self.error: str | None = None
        """What the client last complained of, or None since something was acknowledged."""
        self._thread.start()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is acknowledged. Raises BrokerUnavailableError when one was not."""
        if not messages:
            return
        publication = Publication(len(messages))
        for message in messages:
            await self._produce(message, publication)
        await publication.acknowledged
        if self.error is not None:
            log.info("the brokers acknowledge again")
            self.error = None

    async def _produce(self, message: Message, publication: Publication) -> None:
        while True:
            try:
                self._producer.produce(
                    message.topic,
                    key=message.key,
                    value=message.value,
                    headers=list(message.headers),
                    partition=BY_KEY if message.partition is None else message.partition,
                    on_delivery=publication.reported,
                )
            except BufferError:
                await asyncio.sleep(0.01)
            except KafkaException as error:
                if error.args[0].code() == KafkaError._FATAL:  # noqa: SLF001 - `fatal()` does not say it here
                    self._failed.set()
                raise not_acknowledged(str(error)) from error
            else:
                return

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                self._producer.poll(POLL)
            except KafkaException as error:
                self.error = str(error)
                self._failed.set()
            if self._failed.is_set():
                self._renew()

    def _renew(self) -> None:
        """Replace a producer that failed for good; whoever waits for its reports is told that they did not come."""
        log.error("the producer failed for good and is made anew", error=self.error)
        failed, self._producer = self._producer, Producer(self._properties)
        self._failed.clear()
        with suppress(KafkaException):
            failed.purge()
            failed.flush(FLUSH_WITHIN)

    def _client_error(self, error: KafkaError) -> None:
        if self.error is None:
            log.warning("the producer complains; what it has waits", error=error.str())
        self.error = error.str()

    async def close(self) -> None:
        """Flush what is queued, at most ten seconds."""
        await asyncio.to_thread(self._producer.flush, FLUSH_WITHIN)
        self._stop.set()
        await asyncio.to_thread(self._thread.join, POLL * 10)


def not_acknowledged(reason: str) -> BrokerUnavailableError:
    """Return the error that says that an acknowledgement did not come."""
    return BrokerUnavailableError(
        f"Kafka did not acknowledge: {reason}",
        why="the brokers are away, or refuse",
        do="farandole doctor   tells which; the delivery waits and is tried again",
    )
