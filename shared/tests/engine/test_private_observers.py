"""A private observer hears what lies beside the domain topics: retries, redeliveries, dead letters, the mesh's own.

Also on topics that are made after it began. Other observers hear of none of it, and attempts are believed on private
topics alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from farandole import Delivery, Envelope, Service
from farandole.engine.observing import observed_topics
from farandole.engine.ports import Message
from farandole.kafka.subscription import subscribed
from farandole.private_topics import owner_of
from farandole.testing import Harness

ENVELOPE = Envelope(id="e-1", type="OrderPlaced", source="shop", subject="o", time="", correlation_id="f")
ATTEMPT = (("farandole_attempt", b"3"), ("farandole_operation", b"redrive-1"))


def record(topic: str) -> Message:
    return Message(topic=topic, key=b"o", value=b"?", headers=(*ENVELOPE.headers(), *ATTEMPT))


async def heard(*topics: str) -> tuple[list[Delivery], list[Delivery]]:
    service = Service("watcher")
    all_of_it: list[Delivery] = []
    domain: list[Delivery] = []

    @service.observe(private=True)
    async def everything(deliveries: Sequence[Delivery]) -> None:
        all_of_it.extend(deliveries)

    @service.observe
    async def events(deliveries: Sequence[Delivery]) -> None:
        domain.extend(deliveries)

    async with Harness(service) as harness:
        for topic in topics:
            await harness.deliver_record(record(topic))
    return all_of_it, domain


async def test_it_hears_every_topic_and_the_others_only_events() -> None:
    topics = ["orders", "shop.retry.1", "shop.redelivery", "shop.dlq", "_farandole.audit", "_farandole.outcomes"]
    private, domain = await heard(*topics)
    assert [one.coordinates.topic for one in private] == topics
    assert [one.coordinates.topic for one in domain] == ["orders"]


async def test_attempts_are_believed_on_private_topics_alone() -> None:
    private, _ = await heard("orders", "shop.retry.1", "_farandole.outcomes")
    assert [(one.attempt, one.operation) for one in private] == [(0, ""), (3, "redrive-1"), (0, "")]
    assert [one.service for one in private] == ["watcher", "shop", "watcher"]


def test_a_service_without_one_is_subscribed_to_what_it_hears() -> None:
    assert observed_topics(["orders"], ()) == ("orders",)


def test_patterns_find_what_is_private_and_nothing_else() -> None:
    service = Service("watcher")

    @service.observe(private=True)
    async def everything(deliveries: Sequence[Delivery]) -> None: ...

    is_mine = subscribed(observed_topics(["orders"], service.observers))
    mine = ["orders", "shop.retry.12", "shop.redelivery", "shop.dlq", "_farandole.audit", "_farandole.outcomes"]
    others = ["payments", "shop.retry.x", "shop.retry.1.old", "dlq", "_farandole.generations", "x_farandole.audit"]
    assert [one for one in mine + others if is_mine(one)] == mine
    assert [owner_of(one) for one in ("shop.retry.1", "a.b.dlq", "orders", "_farandole.audit")] == [
        "shop",
        "a.b",
        "",
        "",
    ]
