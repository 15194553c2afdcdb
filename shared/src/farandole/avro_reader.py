"""Avro reader: one schema compiled to Python functions that read its binary form and trust none of its bytes.

Compiled because it is both faster and stricter than a general reader: lengths and counts are held against the bytes
that are left before anything is made of them, and indexes, booleans and 32-bit numbers against their range.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, Final, cast

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
FLOAT: Final = Struct("<f").unpack_from
DOUBLE: Final = Struct("<d").unpack_from

ReadRecord = Callable[[bytes, int, int], tuple[Any, int]]
"""Read a record from ``buf`` at ``pos``, of ``size`` bytes in all: the value and the position after it."""


class MalformedError(ValueError):
    """The bytes break the Avro encoding of their schema."""


def compile_reader(schema: Mapping[str, Any], make: Callable[[str], Callable[..., Any]]) -> ReadRecord:
    """Compile the reader of a record schema.

    ``make`` gives, for a record's full name, the callable that builds its value from its fields as keywords.
    The reader raises MalformedError, IndexError, OverflowError, RecursionError or UnicodeDecodeError on bytes that
    are not of the schema; a timestamp-millis becomes a UTC datetime, an array a tuple. It holds no state and may be
    shared between threads. Raises ValueError or KeyError where ``schema`` is no Avro schema.
    """
    compiler = Compiler(make)
    name = compiler.record(schema, "")
    return cast("ReadRecord", compiler.build()[name])


def varint(buf: bytes, pos: int) -> tuple[int, int]:
    """Read an unsigned variable-length number of at most 64 bits: the number and the position after it."""
    number = shift = 0
    while True:
        byte = buf[pos]
        pos += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise MalformedError("a number is longer than ten bytes")
    if number >> 64:
        raise MalformedError("a number is wider than 64 bits")
    return number, pos


def bad(what: str) -> MalformedError:
    """Return the error of bytes that break the encoding."""
    return MalformedError(what)


class Compiler:
    """Writes one function a named type; what a schema names is quoted or looked up, never pasted as code."""

    def __init__(self, make: Callable[[str], Callable[..., Any]]) -> None:
        self._make = make
        self._named: dict[str, str] = {}
        self._source: list[str] = []
        self._scope: dict[str, Any] = {
            "varint": varint,
            "EPOCH": EPOCH,
            "MILLISECOND": MILLISECOND,
            "bad": bad,
            "float_": FLOAT,
            "double_": DOUBLE,
        }
        self._count = 0

    def build(self) -> dict[str, Any]:
        """Return the functions that were written, by name."""
        exec(compile("\n".join(self._source), "<avro reader>", "exec"), self._scope)  # noqa: S102 - our own text
        return self._scope

    def record(self, schema: Mapping[str, Any], home: str) -> str:
        """Write the function that reads a record; return its name."""
        fullname, space = full_name_of(schema, home)
        function = self._name(fullname)
        self._scope[f"make_{function}"] = self._make(fullname)
        body: list[str] = []
        values: list[str] = []
        for number, field in enumerate(schema["fields"]):
            body += self.read(field["type"], f"v{number}", space)
            values.append(_argument(field["name"], f"v{number}"))
        self.function(function, [*body, f"return make_{function}({', '.join(values)}), pos"])
        return function

    def _name(self, fullname: str) -> str:
        self._count += 1
        self._named[fullname] = function = f"read_{self._count}"
        return function

    def function(self, name: str, body: list[str]) -> None:
        """Write a function of these lines."""
        self._source += [f"def {name}(buf, pos, size):", *(f"    {line}" for line in body)]

    def read(self, node: Any, to: str, home: str) -> list[str]:  # noqa: PLR0911 - one a kind of type
        """Return the lines that read a value of type ``node`` into the variable ``to``."""
        if isinstance(node, list):
            branches: list[Any] = node
            return self._union(branches, to, home)
        if isinstance(node, str):
            return PRIMITIVES[node](to) if node in PRIMITIVES else self._call(self.find(node, home), to)
        schema = cast("dict[str, Any]", node)
        match schema["type"]:
            case "record" | "error":
                return self._call(self.record(schema, home), to)
            case "array":
                item = self._item(schema["items"], f"{to}i", home)
                least = max(1, least_of(schema["items"]))
                lines = self.blocks(to, [*item, f"{to}.append({to}i)"], start="[]", least=least)
                return [*lines, f"{to} = tuple({to})"]
            case "map":
                item = self._item(schema["values"], f"{to}i", home)
                lines = [*_text("name"), *item, f"{to}[name] = {to}i"]
                return self.blocks(to, lines, start="{}", least=1)
            case "enum":
                return self._call(self._enum(schema, home), to)
            case "fixed":
                return self._call(self._fixed(schema, home), to)
            case "long" if schema.get("logicalType") == "timestamp-millis":
                return [*_number(to), f"{to} = EPOCH + MILLISECOND * {to}"]
            case inner:
                return self.read(inner, to, home)

    def find(self, name: str, home: str) -> str:
        """Return the function that reads a named type. Raises KeyError where there is none."""
        return self._named.get(name) or self._named[f"{home}.{name}"]

    def _call(self, function: str, to: str) -> list[str]:
        return [f"{to}, pos = {function}(buf, pos, size)"]

    def _item(self, node: Any, to: str, home: str) -> list[str]:
        """Read an item by a call where it holds a loop: Python bounds how deep loops nest in one function."""
        lines = self.read(node, to, home)
        if not any("while" in line for line in lines):
            return lines
        self._count += 1
        function = f"item_{self._count}"
        self.function(function, [*lines, f"return {to}, pos"])
        return self._call(function, to)

    def _union(self, branches: list[Any], to: str, home: str) -> list[str]:
        lines = unsigned()
        for number, branch in enumerate(branches):
            lines.append(f"{'el' if number else ''}if n == {2 * number}:")
            lines += [f"    {line}" for line in self.read(branch, to, home)]
        return [*lines, "else:", "    raise bad('a union has no such branch')"]

    def blocks(self, to: str, item: list[str], *, start: str, least: int) -> list[str]:
        """Read the blocks of an array or map, of items that take at least ``least`` bytes each."""
        lines = [f"{to} = {start}", "while True:"]
        lines += [f"    {line}" for line in unsigned()]
        lines += ["    if n == 0:", "        break", "    stop = -1", "    if n & 1:", "        count = (n + 1) >> 1"]
        lines += [f"        {line}" for line in [*unsigned(), "stop = pos + (n >> 1)", "if n & 1:"]]
        lines += ["            raise bad('a block has a negative size')", "    else:", "        count = n >> 1"]
        lines += [f"    if count * {least} > size - pos:"]
        lines += ["        raise bad('a block counts more items than bytes are left')"]
        lines += ["    for _ in range(count):", *(f"        {line}" for line in item)]
        return [
            *lines,
            "    if stop >= 0 and pos != stop:",
            "        raise bad('a block has another size than it says')",
        ]

    def _enum(self, schema: Mapping[str, Any], home: str) -> str:
        function = self._name(full_name_of(schema, home)[0])
        self._scope[f"symbols_{function}"] = tuple(schema["symbols"])
        lines = [*unsigned(), f"if n & 1 or n >> 1 >= {len(schema['symbols'])}:"]
        lines += ["    raise bad('an enum has no such symbol')", f"return symbols_{function}[n >> 1], pos"]
        self.function(function, lines)
        return function

    def _fixed(self, schema: Mapping[str, Any], home: str) -> str:
        function = self._name(full_name_of(schema, home)[0])
        lines = [f"end = pos + {int(schema['size'])}", *bounded(), "return buf[pos:end], end"]
        self.function(function, lines)
        return function


def least_of(node: Any) -> int:
    """Return the least bytes that a value takes; 0 where that cannot be told. Counts are held against it."""
    match node:
        case str():
            return LEAST.get(node, 0)
        case {"type": "record", "fields": fields}:
            return sum(least_of(field["type"]) for field in cast("list[dict[str, Any]]", fields))
        case {"type": "fixed", "size": size}:
            return int(cast("int", size))
        case {"type": "array" | "map" | "enum"} | list():
            return 1
        case {"type": inner}:
            return least_of(inner)
        case _:
            return 0


def full_name_of(schema: Mapping[str, Any], home: str) -> tuple[str, str]:
    """Return the full name of a named type and the namespace that its fields inherit."""
    name = str(schema["name"])
    space = name.rpartition(".")[0] if "." in name else str(schema.get("namespace", home))
    short = name.rpartition(".")[2]
    return (f"{space}.{short}" if space else short), space


def _argument(name: str, value: str) -> str:
    if name.isidentifier() and not keyword.iskeyword(name):
        return f"{name}={value}"
    return f"**{{{name!r}: {value}}}"


def unsigned() -> list[str]:
    """Return the lines that read a number into ``n``."""
    return ["n = buf[pos]", "if n < 128:", "    pos += 1", "else:", "    n, pos = varint(buf, pos)"]


def _number(to: str) -> list[str]:
    return [*unsigned(), f"{to} = (n >> 1) ^ -(n & 1)"]


def _int32(to: str) -> list[str]:
    return [*unsigned(), "if n >> 32:", "    raise bad('an int is wider than 32 bits')", f"{to} = (n >> 1) ^ -(n & 1)"]


def bounded() -> list[str]:
    """Return the lines that hold ``end`` against the size."""
    return ["if end > size:", "    raise bad('a value is longer than the record')"]


def chunk() -> list[str]:
    """Return the lines that read a length, and where what has it ends, into ``end``."""
    return [
        *unsigned(),
        "end = pos + (n >> 1)",
        "if n & 1 or end > size:",
        "    raise bad('a length is out of range')",
    ]


def _text(to: str) -> list[str]:
    return [*chunk(), f"{to} = buf[pos:end].decode()", "pos = end"]


def _bytes(to: str) -> list[str]:
    return [*chunk(), f"{to} = buf[pos:end]", "pos = end"]


def _boolean(to: str) -> list[str]:
    return [
        f"{to} = buf[pos]",
        "pos += 1",
        f"if {to} > 1:",
        "    raise bad('a boolean is 0 or 1')",
        f"{to} = {to} == 1",
    ]


def _float(to: str, *, bits: int, unpack: str) -> list[str]:
    return [f"end = pos + {bits // 8}", *bounded(), f"{to} = {unpack}(buf, pos)[0]", "pos = end"]


PRIMITIVES: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "null": lambda to: [f"{to} = None"],
    "boolean": _boolean,
    "int": _int32,
    "long": _number,
    "float": lambda to: _float(to, bits=32, unpack="float_"),
    "double": lambda to: _float(to, bits=64, unpack="double_"),
    "bytes": _bytes,
    "string": _text,
}
LEAST: Final = {**dict.fromkeys(PRIMITIVES, 1), "null": 0, "float": 4, "double": 8}
