"""SVG: a topology as a picture: services that emit, events by topic, services that hear, from left to right.

Three columns have no cycles to lay out, so that equal topologies have equal pictures. A service that both hears and
emits stands on both sides. Observers are left out, as in the other drawings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from farandole.topology.topology import Topology

ROW: Final = 26
BOX: Final = 20
LETTER: Final = 7.2
"""Pixels: the width of a letter of the font, roughly; a box is made for its longest name."""
PAD: Final = 12
GAP: Final = 130
TOP: Final = 34
STYLE: Final = """
svg { background: #fff; font: 12px ui-monospace, Menlo, Consolas, monospace }
text { fill: #1b1f24; dominant-baseline: central } .head { font-weight: bold } .topic { fill: #57606a }
rect { fill: #f6f8fa; stroke: #8c959f } .event rect { fill: #ddf4ff; stroke: #54aeff }
path { fill: none; stroke: #8c959f; opacity: .7 }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117 } text { fill: #e6edf3 } .topic { fill: #9198a1 }
  rect { fill: #161b22; stroke: #6e7681 } .event rect { fill: #0c2d6b; stroke: #388bfd } path { stroke: #6e7681 }
}
"""


def svg(topology: Topology) -> str:
    """Return the picture; it needs no script and no font, and follows the reader's choice of dark or light."""
    left = _column(sorted({one.service for one in topology.emissions}), x=PAD)
    names = {one.fullname: f"{one.name}" for one in topology.events}
    middle = _column([one.fullname for one in topology.events], x=_beyond(left), shown=names)
    right = _column(sorted({one.service for one in topology.hearings}), x=_beyond(middle))
    width = _beyond(right) - GAP + PAD
    height = TOP + ROW * max(1, *map(len, (left, middle, right))) + PAD
    emitted = dict.fromkeys((one.service, one.event) for one in topology.emissions)
    heard = dict.fromkeys((one.event, one.service) for one in topology.hearings)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        "<title>Who emits and who hears what</title>",
        f"<style>{STYLE}</style>",
        *(_head(column, word) for column, word in ((left, "emits"), (middle, "event"), (right, "hears")) if column),
        *(_edge(left[one], middle[event]) for one, event in emitted if one in left and event in middle),
        *(_edge(middle[event], right[one]) for event, one in heard if event in middle and one in right),
        *_boxes(left, "service"),
        *_boxes(middle, "event", {one.fullname: f"on {one.topic}" for one in topology.events}),
        *_boxes(right, "service"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


class _Box:
    """A name and where it stands."""

    def __init__(self, name: str, *, x: int, y: int, width: int) -> None:
        self.name, self.x, self.y, self.width = name, x, y, width


def _column(keys: Sequence[str], *, x: int, shown: Mapping[str, str] | None = None) -> dict[str, _Box]:
    names = {key: (shown or {}).get(key, key)[:60] for key in keys}
    width = round(LETTER * max((len(one) for one in names.values()), default=0)) + PAD
    return {
        key: _Box(name, x=x, y=TOP + ROW * row + ROW // 2, width=width) for row, (key, name) in enumerate(names.items())
    }


def _beyond(column: Mapping[str, _Box]) -> int:
    first = next(iter(column.values()), None)
    return PAD if first is None else first.x + first.width + GAP


def _head(column: Mapping[str, _Box], word: str) -> str:
    return f'<text class="head" x="{next(iter(column.values())).x}" y="{TOP // 2}">{escape(word)}</text>'


def _edge(start: _Box, end: _Box) -> str:
    begins, middle = start.x + start.width, (start.x + start.width + end.x) // 2
    return f'<path d="M{begins} {start.y} C{middle} {start.y} {middle} {end.y} {end.x} {end.y}"/>'


def _boxes(column: Mapping[str, _Box], kind: str, hints: Mapping[str, str] | None = None) -> Iterator[str]:
    for key, one in column.items():
        hint = f"{key} {(hints or {}).get(key, '')}".strip()
        yield (
            f"<g class={quoteattr(kind)}><title>{escape(_plain(hint))}</title>"
            f'<rect x="{one.x}" y="{one.y - BOX // 2}" width="{one.width}" height="{BOX}" rx="4"/>'
            f'<text x="{one.x + PAD // 2}" y="{one.y}">{escape(_plain(one.name))}</text></g>'
        )


def _plain(text: str) -> str:
    """Return a text that XML can hold: names are anybody's words."""
    return "".join(_legal(text))


def _legal(text: str) -> Iterable[str]:
    return (one if one.isprintable() else "\ufffd" for one in text)
