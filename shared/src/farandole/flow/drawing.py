"""Drawing: a flow as lines to read, and as a Mermaid flowchart. Nothing that anybody wrote breaks out of either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Final

from farandole.flow.hearing import Hearing, Standing
from farandole.flow.tree import FlowTree, Node
from farandole.flow.waiting import Wait, short

DEEPEST: Final = 90


def lines(tree: FlowTree, waits: Sequence[Wait]) -> Iterator[str]:
    """Yield the lines: the flow, its tree, and what it waits for."""
    first = tree.first.event
    count = f"{len(tree.nodes):,} event{'s' if len(tree.nodes) != 1 else ''}"
    yield f"flow {tree.flow_id}  key {first.subject}  {count} since {tree.began.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    for node, guide, below in _guided(tree.nodes):
        yield f"{guide}{_event(node)}"
        yield from (f"{below}· {line}" for line in _heard(node.hearings))
    if tree.untold:
        yield f"… and {tree.untold:,} more records: somebody else uses this flow's id"
    yield ""
    yield from (f"waits  {one.told}" for one in waits)


def mermaid(tree: FlowTree) -> Iterator[str]:
    """Yield the lines of a flowchart: an arrow from each cause, dotted from the further causes of a join."""
    yield "flowchart TD"
    places = {node.event.event_id: place for place, node in reversed(list(enumerate(tree.nodes)))}
    path: list[int] = []
    for place, node in enumerate(tree.nodes):
        label = f"{short(node.event.type)}<br/>{node.event.service} +{node.since.total_seconds():.3f} s"
        yield f'    n{place}["{"<br/>".join(map(_safe, label.split("<br/>")))}"]'
        del path[node.depth :]
        if path:
            yield f"    n{path[-1]} --> n{place}"
        path.append(place)
        yield from (f"    n{places[one]} -.-> n{place}" for one in node.also_caused_by if one in places)


def _guided(nodes: Sequence[Node]) -> Iterator[tuple[Node, str, str]]:
    """Yield each node with what stands before it, and before the lines below it."""
    lasts = _lasts(nodes)
    open_: list[bool] = []
    for node, is_last in zip(nodes, lasts, strict=True):
        # Whoever abuses a flow's id makes it as deep as he likes; the screen is not.
        del open_[node.depth :]
        stem = "".join("│  " if goes_on else "   " for goes_on in open_[1:])[-DEEPEST:]
        guide = "" if not node.depth else stem + ("└─ " if is_last else "├─ ")
        open_.append(not is_last)
        below = "" if not node.depth else stem + ("   " if is_last else "│  ")
        yield node, guide, f"{below}   "


def _lasts(nodes: Sequence[Node]) -> list[bool]:
    """Tell of each node whether no sibling follows it."""
    found: list[bool] = []
    seen: list[bool] = []  # by depth: whether a node of it comes later, under the same parent
    for node in reversed(nodes):
        del seen[node.depth + 1 :]
        seen += [False] * (node.depth + 1 - len(seen))
        found.append(not seen[node.depth])
        seen[node.depth] = True
    return found[::-1]


def _event(node: Node) -> str:
    one = node.event
    words = [f"{short(one.type)}  {one.source}  +{node.since.total_seconds():.3f} s  {one.event_id}"]
    words += ["its record is gone"] if not node.is_emitted else []
    words += [f"{node.copies} further record{'s' if node.copies > 1 else ''}"] if node.copies else []
    words += ["ID USED FOR OTHER CONTENT"] if node.conflicting else []
    words += [f"caused by {node.missing_cause}, which is not here"] if node.missing_cause else []
    words += [f"also caused by {', '.join(node.also_caused_by)}"] if node.also_caused_by else []
    return "  ".join(words)


def _heard(hearings: Sequence[Hearing]) -> Iterator[str]:
    """Yield a line for those with whom all went well, and one for each of the others."""
    told = [(one, _told(one)) for one in hearings]
    well = [one.service for one, line in told if line == f"{one.service} {Standing.DONE.value}"]
    if well:
        yield f"done by {', '.join(well)}"
    yield from (line for one, line in told if one.service not in well or one.replay_id)


def _told(one: Hearing) -> str:
    counts = (
        (one.attempts if one.attempts > 1 else 0, "attempts"),
        (one.duplicates, "dropped as duplicates"),
        (one.dead_letters, "dead letters"),
        (one.redrives, "redrives"),
        (one.replays, "replays"),
    )
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    replay = f" in replay {one.replay_id}" if one.replay_id else ""
    why = f": {one.last.message or one.last.error_class}" if one.last and one.last.error_class else ""
    return f"{one.service}{replay} {one.standing.value}{f' ({told})' if told else ''}{why}"


def _safe(text: str) -> str:
    return "".join(one if one.isalnum() or one in " .+-_" else "_" for one in text)
