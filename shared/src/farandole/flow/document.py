"""Document: a flow as programs are told it: by ``farandole flow --json`` and by the console's ``/api/flows/{id}``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from farandole.delivery import Coordinates
from farandole.flow.hearing import Hearing
from farandole.flow.tree import FlowTree, Node
from farandole.flow.waiting import Wait


def document(tree: FlowTree, waits: Sequence[Wait]) -> dict[str, Any]:
    """Return the document; times are the broker's, in UTC, ``since_ms`` counts from the flow's beginning."""
    return {
        "flow": tree.flow_id,
        "key": tree.first.event.subject,
        "began": tree.began,
        "latest": tree.latest,
        "untold": tree.untold,
        "events": [_event(one) for one in tree.nodes],
        "waiting": [
            {
                "why": one.why,
                "service": one.service,
                "event": one.event_id,
                "told": one.told,
                "until": one.until,
                "command": one.command,
            }
            for one in waits
        ],
    }


def encoded(tree: FlowTree, waits: Sequence[Wait]) -> bytes:
    """Return the document as JSON on one line, the same wherever it is asked for."""
    return msgspec.json.encode(document(tree, waits))


def _event(node: Node) -> dict[str, Any]:
    one = node.event
    return {
        "id": one.event_id,
        "type": one.type,
        "service": one.source,
        "key": one.subject,
        "depth": node.depth,
        "at": one.at,
        "since_ms": round(node.since.total_seconds() * 1000),
        "where": _where(one.coordinates if node.is_emitted else one.origin),
        "emitted": node.is_emitted,
        "cause": one.causation_id,
        "missing_cause": node.missing_cause,
        "also_caused_by": list(node.also_caused_by),
        "copies": node.copies,
        "conflicting": node.conflicting,
        "heard_by": [_hearing(each) for each in node.hearings],
    }


def _hearing(one: Hearing) -> dict[str, Any]:
    last = one.last
    return {
        "service": one.service,
        "replay": one.replay_id,
        "standing": one.standing.value,
        "attempts": one.attempts,
        "duplicates": one.duplicates,
        "dead_letters": one.dead_letters,
        "redrives": one.redrives,
        "replays": one.replays,
        "error_class": last.error_class if last else "",
        "message": last.message if last else "",
        "due": last.due if last else None,
        "operation": last.operation if last else "",
        "where": _where(last.coordinates) if last else "",
    }


def _where(at: Coordinates) -> str:
    return f"{at.topic}|{at.partition}|{at.offset}"
