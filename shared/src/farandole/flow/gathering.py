"""Gathering: what is known beside a flow's own records: breakers, and how far the services have read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from farandole.breaker import BreakerState
from farandole.engine.ports import Partition
from farandole.flow.hearing import Standing
from farandole.flow.tree import FlowTree
from farandole.flow.waiting import Behind, Evidence
from farandole.kafka.log_reader import LogReader
from farandole.service import Service


class Hearers:
    """Who hears an event type, and on what they depend for it, by the services that are known here."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.depends_on: dict[tuple[str, str], Sequence[str]] = {}
        self._by_type: dict[str, list[str]] = {}
        for service in services:
            for handler in service.handlers:
                name = handler.event.avro.fullname
                self._by_type.setdefault(name, []).append(service.name)
                self.depends_on[service.name, name] = [one.name for one in handler.depends_on]

    def __call__(self, event_type: str) -> Iterable[str]:
        """Return the names of the services that hear a type."""
        return self._by_type.get(event_type, ())


def gathered(tree: FlowTree, log: LogReader, hearers: Hearers, breakers: Mapping[str, BreakerState]) -> Evidence:
    """Ask how far those are that the tree has not done. Blocks; raises BrokerUnavailableError."""
    asked: dict[str, set[Partition]] = {}
    for node in tree.nodes:
        for one in node.hearings:
            at = None
            if one.standing is Standing.WAITING and node.is_emitted:
                at = node.event.coordinates
            elif one.standing is Standing.RETRYING and one.last is not None:
                at = one.last.coordinates
            if at is not None:
                asked.setdefault(one.service, set()).add(Partition(topic=at.topic, number=at.partition))
    everywhere = {one for partitions in asked.values() for one in partitions}
    starts, ends = log.starts(everywhere), log.ends(everywhere)
    behind: dict[tuple[str, str, int], Behind] = {}
    for service, partitions in asked.items():
        committed = log.committed(service, partitions)
        for each in partitions:
            behind[service, each.topic, each.number] = Behind(next=committed.get(each, starts[each]), end=ends[each])
    return Evidence(now=datetime.now(UTC), breakers=breakers, behind=behind, depends_on=hearers.depends_on)
