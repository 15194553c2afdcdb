"""Drawing: a topology as the text of a graph, for Mermaid and for Graphviz."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from farandole.topology.topology import Topology


def mermaid(topology: Topology) -> str:
    """Return a Mermaid flowchart: services are boxes, event types are rounded, observers are left out."""
    ids = {name: f"n{number}" for number, name in enumerate(_nodes(topology))}
    lines = ["flowchart LR"]
    lines += [f'  {ids[one.name]}["{_plain(one.name)}"]' for one in topology.services]
    lines += [f'  {ids[one.fullname]}(["{_plain(one.name)}"])' for one in topology.events]
    lines += [f"  {ids[start]} --> {ids[end]}" for start, end in _edges(topology) if start in ids and end in ids]
    return "\n".join(lines) + "\n"


def dot(topology: Topology) -> str:
    """Return a Graphviz digraph: services are boxes, event types ellipses, observers are left out."""
    lines = ["digraph mesh {", "  rankdir=LR;"]
    lines += [f"  {_quoted(one.name)} [shape=box];" for one in topology.services]
    lines += [f"  {_quoted(one.fullname)} [label={_quoted(one.name)}, shape=ellipse];" for one in topology.events]
    lines += [f"  {_quoted(start)} -> {_quoted(end)};" for start, end in _edges(topology)]
    return "\n".join([*lines, "}"]) + "\n"


def _nodes(topology: Topology) -> Iterable[str]:
    return (*(one.name for one in topology.services), *(one.fullname for one in topology.events))


def _edges(topology: Topology) -> Iterator[tuple[str, str]]:
    yield from dict.fromkeys((one.service, one.event) for one in topology.emissions)
    yield from dict.fromkeys((one.event, one.service) for one in topology.hearings)


def _plain(text: str) -> str:
    return "".join(one for one in text if one.isalnum() or one in " ._-")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
