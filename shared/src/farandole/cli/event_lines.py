"""Event lines: events for a person, one a line, or as JSON lines, one an event."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from farandole.codec import Codec
from farandole.envelope import rfc3339
from farandole.masking import Masking
from farandole.selection import Selected

WIDTHS: Final = (24, 26, 22, 18, 36, 36)
HEAD: Final = ("time (UTC)", "where", "type", "key", "id", "flow")
MOST_SHOWN: Final = 4_000
"""Characters of a payload on a line that nothing else bounds."""


class EventLines:
    """Writes events to stdout, personal fields masked as ``masking`` says. For one thread."""

    def __init__(self, codec: Codec, masking: Masking, *, as_json: bool) -> None:
        self._codec = codec
        self._masking = masking
        self._as_json = as_json
        self._width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        self._has_head = False

    def write(self, events: Iterable[Selected]) -> None:
        """Write these events. Raises BrokenPipeError where nobody reads on."""
        lines = [self._line(one) for one in events]
        if not lines:
            return
        if not self._has_head and not self._as_json:
            lines.insert(0, self._cut(_columns(HEAD) + "payload"))
        self._has_head = True
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()

    def _line(self, one: Selected) -> str:
        document = self._document(one)
        if self._as_json:
            return msgspec.json.encode(document).decode()
        cells = (
            rfc3339(one.appended),
            str(one.coordinates),
            document["type"].rpartition(".")[2] or "?",
            document["key"] if document["key"] is not None else "(no key)",
            document["id"],
            document["flow"],
        )
        return self._cut(_columns(map(printable, cells)) + printable(_short(document["payload"])))

    def _document(self, one: Selected) -> dict[str, Any]:
        envelope = one.envelope
        return {
            "topic": one.partition.topic,
            "partition": one.partition.number,
            "offset": one.offset,
            "appended": rfc3339(one.appended),
            "key": None if one.key is None else one.key.decode("utf-8", "backslashreplace"),
            "type": envelope.type,
            "id": envelope.id,
            "flow": envelope.correlation_id,
            "cause": envelope.causation_id,
            "source": envelope.source,
            "payload": self._masking.payload(one.value, self._codec),
        }

    def _cut(self, line: str) -> str:
        width = self._width or MOST_SHOWN
        return line if len(line) <= width else line[: width - 1] + "…"


def printable(text: str) -> str:
    """Return a text as it can do no harm on a terminal: records are untrusted, and may hold escape sequences."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)


def _columns(cells: Iterable[str]) -> str:
    return "".join(f"{cell:<{width}}  " for cell, width in zip(cells, WIDTHS, strict=True))


def _short(payload: Any) -> str:
    if payload is None:
        return "(null)"
    return " ".join(f"{name}={_value(value)}" for name, value in payload.items())


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return f"[{len(value)}]"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, Mapping):
        return "{" + _short(value) + "}"
    return msgspec.json.encode(value).decode().strip('"')
