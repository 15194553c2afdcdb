"""PrivateRecords: what a service writes of a delivery that failed: its next attempt, or the dead letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from farandole.dead_letters import TOO_LARGE, Report, private_headers
from farandole.delivery import Delivery
from farandole.engine.ports import Message
from farandole.engine.size import fits_private_topic
from farandole.handler import Handler
from farandole.private_topics import PrivateTopics


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateRecords:
    """Makes the records of one service, at its ``version``. Each keeps the bytes, the key and the foreign headers."""

    topics: PrivateTopics
    version: str

    def retry(self, delivery: Delivery, handler: Handler | None, report: Report, delay: timedelta) -> Message:
        """Return the record that brings the next attempt, due after ``delay``."""
        headers = private_headers(
            delivery,
            report,
            attempt=delivery.attempt + 1,
            handler=_name(handler),
            version=self.version,
            delay=delay,
        )
        # A version without tiers may have to publish again what one with tiers announced.
        tier = delivery.attempt - delivery.round_start + 1
        topic = self.topics.retry(tier) if self.topics.tiers else self.topics.redelivery
        return Message(topic=topic, key=delivery.record.key, value=delivery.record.value, headers=headers)

    def dead_letter(self, delivery: Delivery, handler: Handler | None, report: Report) -> Message:
        """Return the dead letter; of a record that no private topic takes, everything but the record itself."""
        whole = self._dead_letter(delivery, handler, report, with_foreign=True)
        if fits_private_topic(whole):
            return whole
        why = f"{TOO_LARGE} the record itself is only at {delivery.coordinates})"
        told = Report(error_class=report.error_class, message=f"{why} {report.message}", stack=report.stack)
        bare = self._dead_letter(delivery, handler, told, with_foreign=False)
        return Message(topic=bare.topic, key=None, value=None, headers=bare.headers)

    def _dead_letter(
        self, delivery: Delivery, handler: Handler | None, report: Report, *, with_foreign: bool
    ) -> Message:
        headers = private_headers(
            delivery,
            report,
            attempt=delivery.attempt,
            handler=_name(handler),
            version=self.version,
            with_foreign=with_foreign,
        )
        record = delivery.record
        return Message(topic=self.topics.dead_letters, key=record.key, value=record.value, headers=headers)


def _name(handler: Handler | None) -> str:
    return handler.name if handler else ""
