"""Ground truth of flows: what the bare records of every topic say, worked out without the library.

Slow and plain on purpose: it is what the trees of `farandole flow` and of the console are held against. It knows the
topics' names, the headers and the JSON of the topic of outcomes, as any Kafka tool would show them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

OUTCOMES = "_farandole.outcomes"
PRIVATE = re.compile(r"(.+)\.(retry\.\d+|redelivery|dlq)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bare:
    """A record as it lies there."""

    topic: str
    partition: int
    offset: int
    at: int
    headers: Mapping[str, str]
    value: bytes | None

    @property
    def place(self) -> str:
        return f"{self.topic}|{self.partition}|{self.offset}"

    @property
    def order(self) -> tuple[int, str, int, int]:
        return self.at, self.topic, self.partition, self.offset

    @property
    def event(self) -> tuple[str, str]:
        return self.headers["ce_source"], self.headers["ce_id"]

    @property
    def flow(self) -> str:
        return self.headers.get("ce_correlationid") or self.headers["ce_id"]


def everything(bootstrap: str) -> list[Bare]:
    """Read every record of every topic, up to the ends as they are now."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "ground-truth", "enable.auto.commit": False})
    try:
        topics = consumer.list_topics(timeout=30).topics
        left = {}
        for name, topic in topics.items():
            for number in topic.partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=30)
                if high > low:
                    left[name, number] = (low, high)
        consumer.assign([TopicPartition(name, number, low) for (name, number), (low, _) in left.items()])
        found = []
        while left:
            message = consumer.poll(30)
            assert message is not None, f"these partitions went silent: {sorted(left)}"
            assert message.error() is None, message.error()
            at = message.topic(), message.partition()
            if at in left and message.offset() < left[at][1]:
                found.append(_bare(message))
            if at in left and message.offset() >= left[at][1] - 1:
                del left[at]
        return found
    finally:
        consumer.close()


def _bare(message) -> Bare:
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers() or ()}
    return Bare(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        at=message.timestamp()[1],
        headers=headers,
        value=message.value(),
    )


class GroundTruth:
    """What the records say of every flow. ``hears`` tells which services declare that they hear a type."""

    def __init__(self, records: Iterable[Bare], *, hears: Callable[[str], Iterable[str]]) -> None:
        self._hears = hears
        self._emitted: dict[str, dict[tuple[str, str], list[Bare]]] = defaultdict(dict)
        self._retried: dict[tuple[str, tuple[str, str]], set[int]] = defaultdict(set)
        self._dead: dict[tuple[str, tuple[str, str]], list[int]] = defaultdict(list)
        self._told: dict[tuple[str, tuple[str, str]], list[str]] = defaultdict(list)
        for one in records:
            if one.topic == OUTCOMES:
                self._take_outcomes(json.loads(one.value))
            elif (private := PRIVATE.fullmatch(one.topic)) is not None:
                self._take_private(private[1], private[2], one)
            elif not one.topic.startswith("_") and "ce_id" in one.headers:
                self._emitted[one.flow].setdefault(one.event, []).append(one)

    @property
    def flows(self) -> Sequence[str]:
        return sorted(self._emitted)

    @property
    def failed_attempts(self) -> int:
        return sum(len(attempts) for attempts in self._retried.values())

    @property
    def dead_letters(self) -> int:
        return sum(len(attempts) for attempts in self._dead.values())

    @property
    def duplicates(self) -> int:
        return sum(kinds.count("dropped") for kinds in self._told.values())

    @property
    def copies(self) -> int:
        return sum(len(records) - 1 for events in self._emitted.values() for records in events.values())

    def tree(self, flow: str) -> list[dict]:
        """Return the events of a flow in the order of causation, each with what became of it."""
        events = {key: sorted(records, key=lambda one: one.order) for key, records in self._emitted[flow].items()}
        by_id = {key[1]: key for key in sorted(events, key=lambda key: events[key][0].order, reverse=True)}
        beneath: dict[tuple[str, str] | None, list[tuple[str, str]]] = defaultdict(list)
        for key, records in events.items():
            beneath[by_id.get(records[0].headers.get("ce_causationid", ""))].append(key)
        found: list[dict] = []

        def descend(parent: tuple[str, str] | None, depth: int) -> None:
            for key in sorted(beneath[parent], key=lambda key: (key[1] != flow, events[key][0].order)):
                found.append(self._node(events, key, depth))
                descend(key, depth + 1)

        descend(None, 0)
        return found

    def _node(self, events: Mapping[tuple[str, str], Sequence[Bare]], key: tuple[str, str], depth: int) -> dict:
        first = events[key][0]
        answered = {records[0].headers["ce_source"] for records in events.values() if key[1] in _causes(records[0])}
        heard = {service for told in (self._retried, self._dead, self._told) for service, event in told if event == key}
        services = sorted({*self._hears(first.headers["ce_type"]), *answered, *heard})
        return {
            "id": key[1],
            "type": first.headers["ce_type"],
            "service": key[0],
            "key": first.headers.get("ce_subject", ""),
            "depth": depth,
            "where": first.place,
            "cause": first.headers.get("ce_causationid") or None,
            "copies": len(events[key]) - 1,
            "heard_by": [self._hearing(name, key, answered=name in answered) for name in services],
        }

    def _hearing(self, service: str, key: tuple[str, str], *, answered: bool) -> dict:
        told = self._told.get((service, key), [])
        done = answered or "handled" in told
        dead = self._dead.get((service, key), [])
        failed = self._retried.get((service, key), set()) | set(dead)
        return {
            "service": service,
            "done": done,
            "attempts": len(failed) + done,
            "duplicates": told.count("dropped"),
            "dead_letters": len(dead),
        }

    def _take_outcomes(self, batch: Mapping) -> None:
        for kind, source, event_id, *_ in batch["outcomes"]:
            self._told[batch["service"], (source, event_id)].append(kind)

    def _take_private(self, service: str, what: str, one: Bare) -> None:
        if what == "dlq":
            self._dead[service, one.event].append(int(one.headers["farandole_attempt"]))
        else:
            # A retry record announces the attempt after the one that failed.
            self._retried[service, one.event].add(int(one.headers["farandole_attempt"]) - 1)


def _causes(record: Bare) -> set[str]:
    headers = record.headers
    return {headers.get("ce_causationid", ""), *headers.get("ce_causes", "").split(",")} - {""}


def seen_in(document: Mapping) -> list[dict]:
    """Return of a flow's document what the ground truth tells, too."""
    return [
        {name: event[name] for name in ("id", "type", "service", "key", "depth", "where", "cause", "copies")}
        | {
            "heard_by": [
                {
                    "service": one["service"],
                    "done": one["standing"] == "done",
                    **{name: one[name] for name in ("attempts", "duplicates", "dead_letters")},
                }
                for one in event["heard_by"]
            ]
        }
        for event in document["events"]
    ]
