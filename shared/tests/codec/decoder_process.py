"""A decoder in a process of its own, with little memory: what it cannot bear ends the process, and is seen as that.

It reads batches from its standard input, pickled, and answers each with what is wrong, in words, and how many
of its values were events. It trusts whoever started it, and nothing that it decodes.
"""

from __future__ import annotations

import faulthandler
import math
import pickle
import resource
import time
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import fastavro
import msgspec
from farandole import Codec
from farandole.errors import UndecodableError
from farandole.schema import Catalogue, EventSchema
from farandole_events import CATALOGUE
from fastavro.validation import validate

WRITTEN_AS = 1_000_000
"""The id under which the schema of a trial is known."""
SPARE = 96 * 1024 * 1024
HANGS = 20.0
"""Seconds after which the process ends itself."""
SECONDS = 1.0
"""Of the processor, for one value of some hundred bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Bytes to decode: of ``schema``, and, where an ``event`` is named, as events of that class as well."""

    schema: Any
    bodies: list[bytes]
    event: type[Any] | None = None
    comparable: bool = True
    """Whether fastavro may be let near bytes that ours refuses: not where its lists cost no bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of a batch: what is wrong with which bytes, and how many of them were events."""

    wrong: list[str]
    decoded: int


def serve(asks: BinaryIO, answers: BinaryIO) -> None:
    """Answer batches until there are no more."""
    faulthandler.enable()
    _limit()
    while True:
        try:
            batch: Batch = pickle.load(asks)
        except EOFError:
            return
        trial, wrong, decoded = Trial(batch), [], 0
        for body in batch.bodies:
            began = time.process_time()
            faulthandler.dump_traceback_later(HANGS, exit=True)
            try:
                decoded += trial.of(body)
            except BaseException as error:
                wrong.append(f"{type(error).__name__}: {error}\n  {body!r} of {batch.schema!r}")
            if time.process_time() - began > SECONDS:
                wrong.append(f"{time.process_time() - began:.1f} s for {body!r} of {batch.schema!r}")
        faulthandler.cancel_dump_traceback_later()
        pickle.dump(Answer(wrong=wrong, decoded=decoded), answers)
        answers.flush()


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + SPARE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


class Trial:
    """Decodes bytes of one schema, and holds the outcome against fastavro's."""

    def __init__(self, batch: Batch) -> None:
        schema = batch.schema
        known = EventSchema(
            id=WRITTEN_AS,
            name=schema["name"],
            fullname=f"{schema.get('namespace', '')}.{schema['name']}",
            topic="t",
            key="k",
            version=1,
            avsc=schema,
        )
        self._codec = Codec(Catalogue([*CATALOGUE, known]))
        self._event = batch.event
        self._comparable = batch.comparable
        self._parsed = _parsed(schema)

    def of(self, body: bytes) -> bool:
        """Return whether the bytes were an event. Raises whatever is wrong."""
        value = b"\0" + WRITTEN_AS.to_bytes(4, "big") + body
        try:
            _, fields = self._codec.decode_any(value)
        except UndecodableError as refused:
            self._is_refused_rightly(body, refused)
            self._is_no_event(value)
            return False
        theirs, left = self._by_fastavro(body)
        assert not left, f"fastavro leaves {left} bytes"
        assert _alike(fields, theirs), f"{fields!r} is not {theirs!r}"
        if self._event is not None:
            self._is_the_event(self._codec.decode(value, self._event), fields)
        return True

    def _is_refused_rightly(self, body: bytes, refused: UndecodableError) -> None:
        """Hold that fastavro refuses as well, or would write what it read in other bytes."""
        assert refused.why
        if not self._comparable:
            return
        try:
            theirs, left = self._by_fastavro(body)
            again = _written(self._parsed, theirs)
            left = left or not validate(theirs, self._parsed)  # which finds what its reader lets through
        except Exception:
            return
        assert left or again != body, f"fastavro reads {theirs!r}, ours: {refused}"

    def _is_no_event(self, value: bytes) -> None:
        if self._event is None:
            return
        try:
            self._codec.decode(value, self._event)
        except UndecodableError:
            return
        raise AssertionError("its fields are refused, and the event is not")

    def _is_the_event(self, event: Any, fields: dict[str, Any]) -> None:
        own = {name: fields[name] for name in event.__struct_fields__}
        plain = msgspec.to_builtins(event, builtin_types=(datetime, bytes))
        assert _alike(plain, own), f"{event!r} is not {fields!r}"
        written = self._codec.encode(event)
        assert self._codec.encode(self._codec.decode(written, type(event))) == written
        assert written[5:] == _written(_parsed(event.avro.avsc), plain), "fastavro writes other bytes"

    def _by_fastavro(self, body: bytes) -> tuple[Any, int]:
        buffer = BytesIO(body)
        read = fastavro.schemaless_reader(buffer, self._parsed, None)
        return read, len(body) - buffer.tell()


def _written(schema: Any, value: Any) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def _parsed(schema: Any) -> Any:
    return fastavro.parse_schema(_without_decimals(schema), named_schemas={})


def _without_decimals(node: Any) -> Any:
    """Return the schema without the logical types that ours leaves as they are written."""
    if isinstance(node, list):
        return [_without_decimals(one) for one in node]
    if isinstance(node, dict):
        plain = {name: _without_decimals(one) for name, one in node.items()}
        return plain["type"] if plain.get("logicalType") == "decimal" else plain
    return node


def _alike(one: Any, other: Any) -> bool:
    match one, other:
        case float(), float():
            return (math.isnan(one) and math.isnan(other)) or repr(one) == repr(other)
        case dict(), dict():
            return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
        case list() | tuple(), list() | tuple():
            return len(one) == len(other) and all(map(_alike, one, other))
        case _:
            return type(one) is type(other) and bool(one == other)
