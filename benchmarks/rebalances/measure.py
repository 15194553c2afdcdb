"""How long partitions stand still in a rebalance: ``python benchmarks/rebalances/measure.py [--runs 3] [VARIANT …]``.

Three members of one group read twelve partitions of the embedded broker, each of which gets a record every 20 ms. One
member joins, leaves (SIGTERM), is killed, or is killed and started again at once. What is measured is the longest time
for which a partition brought nothing: of the partitions that change hands, and of those that stay. Prints one JSON
document a variant and scenario; ADR 0010 keeps the figures. Everything runs on the loopback, and ends with the script.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Producer
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic
from farandole.local.broker import Broker, wake_groups
from farandole.local.child import Child

PARTITIONS = 12
EVERY = 0.02
CLASSIC = {"partition.assignment.strategy": "cooperative-sticky", "heartbeat.interval.ms": 1000}
VARIANTS: dict[str, dict[str, str | int]] = {
    "classic-10s": {**CLASSIC, "session.timeout.ms": 10_000},
    "classic-6s": {**CLASSIC, "session.timeout.ms": 6_000},
    "classic-6s-static": {**CLASSIC, "session.timeout.ms": 6_000, "group.instance.id": "{}"},
    "classic-6s-static-unsubscribing": {
        **CLASSIC,
        "session.timeout.ms": 6_000,
        "group.instance.id": "{}",
        "unsubscribes": "yes",
    },
    "kip848-45s": {"group.protocol": "consumer"},
    "kip848-6s": {"group.protocol": "consumer"},
    "kip848-6s-static": {"group.protocol": "consumer", "group.instance.id": "{}"},
}


class Member:
    """A member's process, and what it told."""

    def __init__(self, properties: dict[str, str | int], topic: str, name: str) -> None:
        told = {key: str(value).format(name) for key, value in properties.items()}
        self.held: list[int] = []
        self.got: list[tuple[float, int]] = []
        self.errors: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("member.py")), json.dumps(told), topic],
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            what, at, detail = json.loads(line)
            if what == "got":
                self.got += [(at, partition) for partition in detail]
            elif what == "held":
                self.held = detail
            else:
                self.errors.append(detail)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self.held = []

    def leave(self) -> None:
        """Let it leave the group."""
        self._process.terminate()
        self._process.wait()
        self.held = []


@dataclass(kw_only=True)
class Group:
    """A group under test: its members and the records that keep coming."""

    bootstrap: str
    properties: dict[str, str | int]
    topic: str
    members: list[Member] = field(default_factory=list[Member])
    everyone: list[Member] = field(default_factory=list[Member])
    since: float = 0.0
    """When the measured rebalance began."""

    def start(self, name: str) -> Member:
        """Start one more member."""
        member = Member(
            {**self.properties, "bootstrap.servers": self.bootstrap, "group.id": self.topic}, self.topic, name
        )
        self.members.append(member)
        self.everyone.append(member)
        return member

    def end(self, member: Member, how: Callable[[Member], None]) -> list[int]:
        """End a member and return what it held."""
        held = member.held
        self.members.remove(member)
        how(member)
        return held

    def balanced(self, members: int) -> bool:
        """Tell whether every partition is held once, by so many members, in fair shares."""
        shares = [one.held for one in self.members]
        return (
            len(shares) == members
            and sorted(itertools.chain.from_iterable(shares)) == list(range(PARTITIONS))
            and max(map(len, shares)) - min(map(len, shares)) <= 1
        )

    def flows(self, since: float) -> bool:
        """Tell whether every partition brought something since then."""
        return {partition for one in self.everyone for at, partition in one.got if at > since} == set(range(PARTITIONS))

    def standstill(self, since: float) -> dict[int, float]:
        """Return the longest silence of each partition since then, in seconds."""
        longest = {}
        for partition in range(PARTITIONS):
            moments = sorted(at for one in self.everyone for at, p in one.got if p == partition and at > since - 0.5)
            longest[partition] = max(b - a for a, b in itertools.pairwise(moments))
        return longest


def until(condition: Callable[[], bool], within: float = 120) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.02)


def join(group: Group) -> list[int]:
    """A third member joins two."""
    for name in "ab":
        group.start(name)
    until(lambda: group.balanced(2))
    steady(group)
    joined = group.start("c")
    until(lambda: group.balanced(3))
    return joined.held


def _three(group: Group) -> Member:
    for name in "abc":
        member = group.start(name)
    until(lambda: group.balanced(3))
    steady(group)
    return member


def steady(group: Group) -> None:
    """Wait until everything flows, and half a second more; what is measured begins then."""
    now = time.monotonic()
    until(lambda: group.flows(now))
    time.sleep(0.5)
    group.since = time.monotonic()


def leave(group: Group) -> list[int]:
    """One of three leaves."""
    held = group.end(_three(group), Member.leave)
    until(lambda: group.balanced(2))
    return held


def kill(group: Group) -> list[int]:
    """One of three is killed."""
    held = group.end(_three(group), Member.kill)
    until(lambda: group.balanced(2))
    return held


def restart(group: Group) -> list[int]:
    """One of three is killed and started again at once, as a supervisor does."""
    held = group.end(_three(group), Member.kill)
    group.start("c")
    until(lambda: group.balanced(3))
    return held


def alone(group: Group) -> list[int]:
    """The only member is killed and started again at once."""
    only = group.start("c")
    until(lambda: group.balanced(1))
    steady(group)
    held = group.end(only, Member.kill)
    group.start("c")
    until(lambda: group.balanced(1))
    return held


SCENARIOS = (join, leave, kill, restart, alone)


def measured(bootstrap: str, variant: str, scenario: Callable[[Group], list[int]]) -> dict[str, float]:
    """Run a scenario once in a topic and group of its own; return the longest silences, in seconds."""
    topic = f"{variant}-{scenario.__name__}-{uuid.uuid4().hex[:6]}"
    asyncio.run(create(Connection(bootstrap=bootstrap, client_id="m"), [domain_topic(topic, partitions=PARTITIONS)]))
    group = Group(bootstrap=bootstrap, properties=VARIANTS[variant], topic=topic)
    try:
        with records(bootstrap, topic):
            moved = scenario(group)
            now = time.monotonic()
            until(lambda: group.flows(now))
            silence = group.standstill(group.since)
    finally:
        for member in list(group.members):
            group.end(member, Member.kill)
    stayed = [silence[one] for one in silence if one not in moved]
    return {"moved": max(silence[one] for one in moved), "stayed": max(stayed, default=0.0)}


@contextmanager
def records(bootstrap: str, topic: str) -> Generator[None]:
    """Give every partition a record every 20 ms while the block runs."""
    over = threading.Event()
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})

    def produce() -> None:
        while not over.wait(EVERY):
            for partition in range(PARTITIONS):
                producer.produce(topic, b"x", partition=partition)
            producer.poll(0)

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        producer.flush(5)


@contextmanager
def broker(folder: Path, session: int) -> Generator[str]:
    """Run a broker whose members of the newer protocol have so many seconds before they count as gone."""
    kafka = Broker(folder)
    command = asyncio.run(kafka.prepare())
    with (folder / "server.properties").open("a") as file:
        for name, value in (("min.session.timeout.ms", 6_000), ("session.timeout.ms", session * 1000)):
            file.write(f"group.consumer.{name}={value}\n")
        for name in ("min.heartbeat.interval.ms", "heartbeat.interval.ms"):
            file.write(f"group.consumer.{name}=1000\n")
    child = Child(command)
    try:
        asyncio.run(kafka.answering())
        wake_groups(kafka.bootstrap)
        yield kafka.bootstrap
    finally:
        asyncio.run(child.kill())


def main() -> None:
    """Measure what was asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("variants", nargs="*", default=list(VARIANTS))
    arguments.add_argument("--runs", type=int, default=3)
    asked = arguments.parse_args()
    for variant in asked.variants:
        session = 45 if variant.endswith("45s") else 6
        with tempfile.TemporaryDirectory() as folder, broker(Path(folder), session) as bootstrap:
            for scenario in SCENARIOS:
                runs = [measured(bootstrap, variant, scenario) for _ in range(asked.runs)]
                figures = {part: round(statistics.median(run[part] for run in runs), 2) for part in runs[0]}
                print(json.dumps({"variant": variant, "scenario": scenario.__name__, **figures}), flush=True)


if __name__ == "__main__":
    main()
