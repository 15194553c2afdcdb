"""``farandole topology --observed``: what services declare, held against what lies on the topics of a mesh."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from typing import Final

from farandole.cli.exit_code import ExitCode
from farandole.cli.output import print_json, print_table, printable, say
from farandole.contexts import Target
from farandole.engine.ports import Partition
from farandole.flow.reading import HappeningReader
from farandole.kafka.groups import group_names
from farandole.kafka.log_reader import LogReader, Span
from farandole.topology.observed import Difference, Differences, Observed, Traffic, differences
from farandole.topology.topology import Topology
from farandole.wire_schemas import catalogue_here

MOST_RECORDS: Final = 20_000
"""Of one partition, the latest."""
MOST_TRAFFIC: Final = 10_000
"""Different kinds of traffic: whoever may write to a topic may invent names."""


def show_observed(declared: Topology, target: Target, *, service: str, as_json: bool) -> int:
    """Look at the mesh and show where it differs, of one service where it is named.

    Exits with 4 where there is traffic that nobody declares.
    """
    observed = _observed(declared, target)
    found = differences(declared, observed)
    found = found.of(service) if service else found
    if as_json:
        print_json(
            {"records": sum(observed.records.values()), "since": observed.since, "undeclared": found.undeclared}
            | {"dead": found.dead}
        )
    else:
        _show(found, observed)
    return ExitCode.CHECK_FAILED if found.undeclared else ExitCode.OK


def _observed(declared: Topology, target: Target) -> Observed:
    log = LogReader(target.connection)
    partitions = [one for one in log.partitions() if one.topic in declared.topics]
    starts, ends = log.starts(partitions), log.ends(partitions)
    spans = {one: Span(start=max(starts[one], ends[one] - MOST_RECORDS), end=ends[one]) for one in partitions}
    say("reading the topics")
    records, since = _traffic(log, spans, target)
    readers: set[tuple[str, str]] = set()
    for group in group_names(target.connection):
        readers |= {(group, at.topic) for at in log.committed(group, partitions)}
    return Observed(records=records, readers=frozenset(readers), since=since)


def _traffic(log: LogReader, spans: dict[Partition, Span], target: Target) -> tuple[Counter[Traffic], datetime | None]:
    reader = HappeningReader(catalogue_here(target), cluster=asyncio.run(target.cluster_id()))
    found: Counter[Traffic] = Counter()
    since: datetime | None = None
    for batch in log.records(spans):
        for record in batch:
            told = reader.happening(record)
            one = Traffic(service=told.service, event=told.type, topic=record.coordinates.topic)
            if one in found or len(found) < MOST_TRAFFIC:
                found[one] += 1
            since = record.appended if since is None else min(since, record.appended)
    return found, since


def _show(found: Differences, observed: Observed) -> None:
    count = sum(observed.records.values())
    since = f"{observed.since:%Y-%m-%d %H:%M:%S} UTC" if observed.since else "the beginning"
    _table("undeclared traffic", found.undeclared)
    _table("dead edges", found.dead)
    if not found.undeclared:
        say(f"no undeclared traffic in {count:,} records since {since}")
    else:
        say(
            f"looked at {count:,} records since {since}; declare it (service.emits, service.hears), "
            "or find out who does it: farandole tail --topic TOPIC"
        )
    if found.dead:
        say("a dead edge may only be rare: nothing of it was seen in that time")


def _table(title: str, several: tuple[Difference, ...]) -> None:
    if several:
        rows = [
            (
                printable(one.topic),
                printable(one.service),
                printable(one.event) or "-",
                str(one.records or "-"),
                one.what,
            )
            for one in several
        ]
        print_table(title, ("topic", "who", "event", "records", "what"), rows)
