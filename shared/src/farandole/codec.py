"""Codec: events to bytes and back, in the Confluent wire format (``00``, a 4-byte schema id, Avro binary)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any, Final, TypeVar, cast

import fastavro
import msgspec
import msgspec.inspect

from farandole.avro_picker import compile_picker
from farandole.avro_reader import ReadRecord, compile_reader
from farandole.avro_schema import records
from farandole.avro_writer import WriteRecord, compile_writer
from farandole.errors import ContractError, OversizeError, UndecodableError
from farandole.event import Event
from farandole.personal import TAG
from farandole.schema import EventSchema, SchemaSource

MAGIC: Final = b"\x00"
PREFIX: Final = 5
MAX_BYTES: Final = 1_000_000

_ENDS_EARLY: Final = "the bytes end before the record does"

E = TypeVar("E", bound=Event)


class Codec:
    """Encodes and decodes events; every byte that it reads is taken for hostile.

    Values longer than ``max_bytes``, the prefix included, are refused in both directions; what decoding allocates is
    bounded by the value's length. Readers and writers are compiled once a schema and kept. Safe to share between
    threads, as far as ``schemas`` is.
    """

    def __init__(self, schemas: SchemaSource, *, max_bytes: int = MAX_BYTES) -> None:
        self._schemas = schemas
        self._max_bytes = max_bytes
        self._writers: dict[type[Event], tuple[bytes, WriteRecord]] = {}
        self._readers: dict[tuple[bytes, type[Event]], ReadRecord] = {}
        self._generic: dict[bytes, tuple[EventSchema, ReadRecord]] = {}
        self._pickers: dict[tuple[bytes, tuple[str, ...]], tuple[EventSchema, ReadRecord]] = {}
        self._learnt: set[bytes] = set()

    def encode(self, event: Event) -> bytes:
        """Return the record value of an event, written with the schema of its class.

        Timestamps are cut to whole milliseconds. Raises OversizeError where the value is longer than the topic
        takes, and ContractError where a field is not of the type that the schema says.
        """
        kind = type(event)
        prefix, write = self._writers.get(kind) or self._writer(kind)
        out = bytearray(prefix)
        try:
            write(event, out)
        except Exception as invalid:
            raise _invalid(event, invalid) from invalid
        if len(out) > self._max_bytes:
            raise OversizeError(
                f"{kind.__name__} {event.key} has {len(out)} bytes",
                why=f"a record of this mesh has at most {self._max_bytes} bytes",
                do="carry a reference to the large part, or raise max_bytes here and max.message.bytes of the topic",
            )
        return bytes(out)

    async def learn(self, value: bytes | None) -> None:
        """Make sure that the schema of a value is known before it is decoded; a registry may have to be asked for it.

        Does nothing where the value names no schema. Raises UnknownSchemaError or RegistryUnavailableError.
        """
        if not value or len(value) < PREFIX or value[:1] != MAGIC or value[1:PREFIX] in self._learnt:
            return
        await self._schemas.learn(int.from_bytes(value[1:PREFIX], "big"))
        self._learnt.add(value[1:PREFIX])

    def decode(self, value: bytes, event: type[E]) -> E:
        """Return the event that a record value holds.

        Raises UndecodableError where the value is not an ``event``, whatever its bytes are, and lets
        UnknownSchemaError and RegistryUnavailableError of the schema source through.
        """
        self._check_prefix(value)
        read = self._readers.get((value[1:PREFIX], event)) or self._reader(value[1:PREFIX], event)
        return cast("E", _read_all(read, value, event.__name__))

    def decode_any(self, value: bytes) -> tuple[EventSchema, dict[str, Any]]:
        """Return the schema that a record value was written with, and its fields; raises as ``decode`` does."""
        self._check_prefix(value)
        known = self._generic.get(value[1:PREFIX])
        if known is None:
            schema = self._schemas.by_id(int.from_bytes(value[1:PREFIX], "big"))
            known = schema, _compiled(schema, lambda: compile_reader(schema.avsc, lambda _: dict))
            self._generic[value[1:PREFIX]] = known
        schema, read = known
        return schema, cast("dict[str, Any]", _read_all(read, value, schema.name))

    def pick(self, value: bytes, fields: tuple[str, ...]) -> tuple[EventSchema, dict[str, Any]]:
        """Return the schema that a record value was written with, and these of its fields, None where it has none such.

        The rest is held against the schema as strictly, and nothing is made of it; raises as ``decode`` does.
        """
        self._check_prefix(value)
        known = self._pickers.get((value[1:PREFIX], fields))
        if known is None:
            schema = self._schemas.by_id(int.from_bytes(value[1:PREFIX], "big"))
            known = schema, _compiled(schema, lambda: compile_picker(schema.avsc, fields))
            self._pickers[value[1:PREFIX], fields] = known
        schema, read = known
        return schema, cast("dict[str, Any]", _read_all(read, value, schema.name))

    def _check_prefix(self, value: bytes) -> None:
        if not value or len(value) < PREFIX or value[:1] != MAGIC:
            raise _undecodable("the value has no schema id", "it does not start with 00 and a 4-byte schema id")
        if len(value) > self._max_bytes:
            raise _undecodable(
                f"the value has {len(value)} bytes", f"a record of this mesh has at most {self._max_bytes} bytes"
            )

    def _writer(self, kind: type[Event]) -> tuple[bytes, WriteRecord]:
        prefix = MAGIC + self._schemas.id_of(kind.avro).to_bytes(4, "big")
        self._writers[kind] = entry = prefix, compile_writer(kind.avro.avsc)
        return entry

    def _reader(self, wire_id: bytes, event: type[Event]) -> ReadRecord:
        written = self._schemas.by_id(int.from_bytes(wire_id, "big"))
        if written.fullname != event.avro.fullname:
            raise _undecodable(f"the value is no {event.__name__}", f"it was written as {written.fullname}")
        read = _compiled(written, lambda: _reader_of(written, event))
        self._readers[wire_id, event] = read
        return read


def _compiled(schema: EventSchema, compile_it: Callable[[], ReadRecord]) -> ReadRecord:
    """Compile the reader of a schema that somebody else wrote; one that cannot be compiled makes values undecodable."""
    try:
        return compile_it()
    except (ContractError, MemoryError):
        raise
    except Exception as broken:
        raise _undecodable(f"the schema {schema.id} cannot be read", _sentence(broken)) from broken


def _read_all(read: ReadRecord, value: bytes, name: str) -> Any:
    size = len(value)
    try:
        result, end = read(value, PREFIX, size)
    except MemoryError:
        raise  # which is no fault of the bytes: they may be read when there is room again
    except Exception as malformed:
        raise _undecodable(f"the value is no {name}", _sentence(malformed)) from malformed
    if end != size:
        left = f"{size - end} bytes are left after the record" if end < size else _ENDS_EARLY
        raise _undecodable(f"the value is no {name}", left)
    return result


def _reader_of(written: EventSchema, event: type[Event]) -> ReadRecord:
    if same_shape(written.avsc, event.avro.avsc):
        return compile_reader(written.avsc, _classes(event).__getitem__)
    return _resolving_reader(written, event)


def _resolving_reader(written: EventSchema, event: type[Event]) -> ReadRecord:
    """Return a reader of another version of the schema, by Avro's resolution rules.

    The strict reader goes first, so that the resolving one only ever sees bytes that are of the writer's schema.
    """
    check = compile_reader(written.avsc, lambda _: _nothing)
    writer = _parsed(written.avsc)
    reader = _parsed(event.avro.avsc)

    def read(buf: bytes, pos: int, size: int) -> tuple[Any, int]:
        _, end = check(buf, pos, size)
        resolved = fastavro.schemaless_reader(BytesIO(buf[pos:end]), writer, reader)
        return msgspec.convert(resolved, event), end

    return read


def _nothing(**_: Any) -> None:
    """Make nothing of a record's fields: they are only looked at."""


def _parsed(avsc: Mapping[str, Any]) -> Any:
    return fastavro.parse_schema(dict(avsc), named_schemas={})


def same_shape(one: Any, other: Any) -> bool:
    """Tell whether two schemas differ in nothing but what is for people: docs, and what is personal."""
    return bool(_bare(one) == _bare(other))


def _bare(node: Any) -> Any:
    if isinstance(node, Mapping):
        parts = cast("Mapping[str, Any]", node).items()
        return {name: _bare(part) for name, part in parts if name not in ("doc", TAG)}
    if isinstance(node, list | tuple):
        return [_bare(part) for part in cast("list[Any]", node)]
    return node


def _classes(event: type[Event]) -> dict[str, Callable[..., Any]]:
    """Return the classes that an event is made of, by the full name of their records."""
    known: dict[str, type[msgspec.Struct]] = {}
    _collect(msgspec.inspect.type_info(event), known)
    found: dict[str, Callable[..., Any]] = {}
    for name, record in records(event.avro.avsc):
        kind = event if name == event.avro.fullname else known.get(name.rpartition(".")[2])
        if kind is None or set(kind.__struct_fields__) != {field["name"] for field in record["fields"]}:
            raise ContractError(
                f"{event.__name__} does not fit its schema",
                why=f"no class has just the fields of the record {name}",
                do="farandole contracts generate",
                code="E223",
            )
        found[name] = kind
    return found


def _collect(node: msgspec.inspect.Type, known: dict[str, type[msgspec.Struct]]) -> None:
    """Note every Struct inside a type by its name."""
    match node:
        case msgspec.inspect.StructType(cls=kind, fields=fields):
            known[kind.__name__] = kind
            for field in fields:
                _collect(field.type, known)
        case msgspec.inspect.VarTupleType(item_type=item):
            _collect(item, known)
        case msgspec.inspect.UnionType(types=branches):
            for branch in branches:
                _collect(branch, known)
        case _:
            pass


def _undecodable(what: str, why: str) -> UndecodableError:
    return UndecodableError(
        what,
        why=why,
        do="read the bytes in the dead-letter topic (docs/howto/look-at-a-dead-letter.md), and mend who wrote them",
    )


def _invalid(event: Event, cause: Exception) -> ContractError:
    """Return the error of an event that its schema cannot hold; the slow check names the field."""
    why = _sentence(cause)
    try:
        msgspec.convert(msgspec.to_builtins(event, builtin_types=(datetime, bytes)), type(event))
    except Exception as named:
        why = _sentence(named)
    return ContractError(
        f"{type(event).__name__} does not fit its schema",
        why=why,
        do="set the field to a value of its type",
        code="E224",
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, IndexError):
        return _ENDS_EARLY
    return f"{type(error).__name__}: {error}"
