"""Waiting: what a flow waits for, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from farandole.breaker import BreakerState, Phase
from farandole.flow.happening import Kind
from farandole.flow.hearing import Hearing, Standing
from farandole.flow.tree import FlowTree, Node


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """Where a service is in a partition: the offset that it reads next, and the end of the log."""

    next: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is known beside the flow's own records, at the moment ``now``.

    ``behind`` is by (service, topic, partition), ``depends_on`` by (service, event type); what is absent is unknown.
    """

    now: datetime
    breakers: Mapping[str, BreakerState] = field(default_factory=dict[str, BreakerState])
    behind: Mapping[tuple[str, str, int], Behind] = field(default_factory=dict[tuple[str, str, int], Behind])
    depends_on: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict[tuple[str, str], Sequence[str]])


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """One thing that a flow waits for. ``until`` is when it goes on by itself; ``command`` is what an operator can do.

    ``service`` and ``event_id`` are empty where it is nobody's.
    """

    why: Literal["retry", "breaker", "unread", "reading", "dead", "nothing"]
    service: str
    event_id: str
    told: str
    until: datetime | None = None
    command: str = ""


def waiting(tree: FlowTree, evidence: Evidence) -> tuple[Wait, ...]:
    """Return what a flow waits for, in the order of its tree; where that is nothing, since when nothing moved."""
    found = [wait for node in tree.nodes for one in node.hearings for wait in _of(node, one, evidence)]
    if found:
        return tuple(found)
    last = tree.last.event
    passed = spoken(evidence.now - tree.latest)
    told = f"nothing is known to move it: last event {short(last.type)} {passed} ago"
    return (Wait(why="nothing", service="", event_id="", told=told),)


def _of(node: Node, one: Hearing, evidence: Evidence) -> list[Wait]:
    """Return what one service waits for, if it does."""
    if one.standing not in {Standing.RETRYING, Standing.DEAD, Standing.WAITING}:
        return []
    at = node.event.coordinates
    if one.standing is Standing.DEAD:
        command = f'farandole dlq redrive {node.event.event_id} --service {one.service} --reason "…"'
        told = f"dead letter in {one.service}{_because(one)}; redrive with `{command}`"
        return [_wait("dead", node, one, told, command=command)]
    behind = evidence.behind.get((one.service, at.topic, at.partition))
    if one.standing is Standing.WAITING and node.is_emitted and (behind is None or behind.next > at.offset):
        return []  # read and answered by nothing, though nobody told; or nobody knows where the service is
    if one.standing is Standing.RETRYING and _has_read(one, evidence):
        return []  # and announced nothing after it: it succeeded, and was answered by nothing
    open_ = _breakers(node, one, evidence)
    if one.standing is Standing.WAITING:
        return [*open_, *([] if open_ else _unread(node, one, behind))]
    return [_retry(node, one, evidence.now), *open_]


def _has_read(one: Hearing, evidence: Evidence) -> bool:
    """Say whether the service is beyond the record that brings the next attempt."""
    if one.last is None:
        return False
    at = one.last.coordinates
    behind = evidence.behind.get((one.service, at.topic, at.partition))
    return behind is not None and behind.next > at.offset


def _breakers(node: Node, one: Hearing, evidence: Evidence) -> list[Wait]:
    names = evidence.depends_on.get((one.service, node.event.type), ())
    shut = [(name, evidence.breakers[name]) for name in names if name in evidence.breakers]
    return [
        _wait(
            "breaker",
            node,
            one,
            f"{one.service}: breaker {name} {state.phase.value} since {state.since.astimezone(UTC):%H:%M:%S}",
            command="farandole breakers",
        )
        for name, state in shut
        if state.phase is not Phase.CLOSED
    ]


def _unread(node: Node, one: Hearing, behind: Behind | None) -> list[Wait]:
    if behind is None:
        return []
    ahead = node.event.coordinates.offset - behind.next
    if ahead <= 0:
        return [_wait("reading", node, one, f"{one.service} is at it")]
    count = f"{ahead:,} event{'s' if ahead != 1 else ''} behind"
    return [_wait("unread", node, one, f"{one.service} has not read it yet: {count}")]


def _retry(node: Node, one: Hearing, now: datetime) -> Wait:
    last = one.last
    assert last is not None, "an announcement decided it"
    if last.kind is Kind.REDRIVEN:
        return _wait("retry", node, one, f"{one.service}: redriven {spoken(now - last.at)} ago, not handled yet")
    if last.due is None or last.due <= now:
        since = "" if last.due is None else f" since {spoken(now - last.due)}"
        return _wait(
            "retry", node, one, f"{one.service}: retry {last.attempt} due{since}{_because(one)}", until=last.due
        )
    told = f"{one.service}: retry {last.attempt} due in {spoken(last.due - now)}{_because(one)}"
    return _wait("retry", node, one, told, until=last.due)


def _wait(
    why: Literal["retry", "breaker", "unread", "reading", "dead"],
    node: Node,
    one: Hearing,
    told: str,
    *,
    until: datetime | None = None,
    command: str = "",
) -> Wait:
    return Wait(why=why, service=one.service, event_id=node.event.event_id, told=told, until=until, command=command)


def _because(one: Hearing) -> str:
    if one.last is None:
        return ""
    said = one.last.message or one.last.error_class
    return f": {said}" if said else ""


def short(event_type: str) -> str:
    """Return the last part of a type's name."""
    return event_type.rpartition(".")[2] or "a record without a type"


def spoken(passed: timedelta) -> str:
    """Return a time as one says it, in its largest unit: ``4 s``, ``3 min``."""
    seconds = max(0, round(passed.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
