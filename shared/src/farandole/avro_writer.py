"""Avro writer: one schema compiled to Python functions that write an event as its binary form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, Final, cast

from farandole.avro_reader import EPOCH, MILLISECOND
from farandole.errors import ContractError

FLOAT: Final = Struct("<f").pack
DOUBLE: Final = Struct("<d").pack

WriteRecord = Callable[[Any, bytearray], None]
"""Append the binary form of a record, an object with the fields as attributes, to a buffer."""


class InvalidError(TypeError):
    """A value is not of its field's type."""


def compile_writer(schema: Mapping[str, Any]) -> WriteRecord:
    """Compile the writer of a record schema of event classes.

    The writer raises InvalidError, TypeError, AttributeError, OverflowError or UnicodeEncodeError on a value that is
    not of the schema; a datetime must have a time zone and is cut to whole milliseconds. It holds no state and may be
    shared between threads. Raises ContractError where the schema holds a type that event classes do not carry.
    """
    compiler = _Compiler()
    name = compiler.record(schema, "")
    return cast("WriteRecord", compiler.build()[name])


def varint(out: bytearray, number: int) -> None:
    """Append an unsigned variable-length number."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def bad(what: str) -> InvalidError:
    """Return the error of a value that is not of its type."""
    return InvalidError(what)


class _Compiler:
    """Writes one function a record; field names are Avro names, which are Python identifiers."""

    def __init__(self) -> None:
        self._named: dict[str, str] = {}
        self._source: list[str] = []
        self._scope: dict[str, Any] = {
            "varint": varint,
            "bad": bad,
            "EPOCH": EPOCH,
            "MILLISECOND": MILLISECOND,
            "float_": FLOAT,
            "double_": DOUBLE,
        }
        self._count = 0

    def build(self) -> dict[str, Any]:
        exec(compile("\n".join(self._source), "<avro writer>", "exec"), self._scope)  # noqa: S102 - our own text
        return self._scope

    def record(self, schema: Mapping[str, Any], home: str) -> str:
        space = str(schema.get("namespace", home))
        self._named[f"{space}.{schema['name']}"] = function = f"write_{len(self._named)}"
        body: list[str] = []
        for field in schema["fields"]:
            body += [f"v = record.{_identifier(field['name'])}", *self._write(field["type"], space)]
        self._source += [f"def {function}(record, out):", *(f"    {line}" for line in [*body, "return"])]
        return function

    def _write(self, node: Any, home: str) -> list[str]:
        """Return the lines that write the variable ``v`` as a value of type ``node``."""
        if isinstance(node, list):
            branches: list[Any] = node
            return self._optional(branches, home)
        if isinstance(node, str):
            return PRIMITIVES[node] if node in PRIMITIVES else [f"{self._find(node, home)}(v, out)"]
        schema = cast("dict[str, Any]", node)
        match schema["type"]:
            case "record":
                return [f"{self.record(schema, home)}(v, out)"]
            case "array":
                return self._array(schema["items"], home)
            case "long" if schema.get("logicalType") == "timestamp-millis":
                return ["v = (v - EPOCH) // MILLISECOND", *PRIMITIVES["long"]]
            case str() as kind if kind in PRIMITIVES and "logicalType" not in schema:
                return PRIMITIVES[kind]
            case kind:
                raise _unsupported(f"the type {schema.get('logicalType', kind)}")

    def _find(self, name: str, home: str) -> str:
        return self._named.get(name) or self._named[f"{home}.{name}"]

    def _optional(self, branches: list[Any], home: str) -> list[str]:
        if len(branches) != 2 or branches[0] != "null":
            raise _unsupported("a union other than null and one type, null first")
        lines = [f"    {line}" for line in ["out.append(2)", *self._write(branches[1], home)]]
        return ["if v is None:", "    out.append(0)", "else:", *lines]

    def _array(self, items: Any, home: str) -> list[str]:
        """Write an array as one block. The loop is a function: it needs a ``v`` of its own."""
        self._count += 1
        function = f"items_{self._count}"
        lines = ["if type(values) is not tuple:", "    raise bad('an array is a tuple')", "if values:"]
        lines += ["    varint(out, len(values) << 1)", "    for v in values:"]
        lines += [f"        {line}" for line in self._write(items, home)]
        self._source += [f"def {function}(values, out):", *(f"    {line}" for line in [*lines, "out.append(0)"])]
        return [f"{function}(v, out)"]


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise ContractError(f"{name!r} is no field name", why="an Avro name is letters, digits and _", do="rename it")
    return name


def _unsupported(what: str) -> ContractError:
    return ContractError(
        f"events do not carry {what}",
        why="an event holds strings, numbers, booleans, bytes, timestamp-millis, records, arrays and optional ones",
        do="farandole contracts check   names the field",
        code="E222",
    )


def _integer(bits: int) -> list[str]:
    limit = 1 << (bits - 1)
    return [
        f"if type(v) is not int or not -{limit} <= v < {limit}:",
        f"    raise bad('a number of {bits} bits')",
        "n = (v << 1) ^ (v >> 63)",
        "if n < 128:",
        "    out.append(n)",
        "else:",
        "    varint(out, n)",
    ]


def _chunk() -> list[str]:
    return ["n = len(v) << 1", "if n < 128:", "    out.append(n)", "else:", "    varint(out, n)", "out += v"]


PRIMITIVES: Final[Mapping[str, list[str]]] = {
    "boolean": ["if type(v) is not bool:", "    raise bad('a boolean')", "out.append(v)"],
    "int": _integer(32),
    "long": _integer(64),
    "float": ["out += float_(v)"],
    "double": ["out += double_(v)"],
    "bytes": ["if type(v) is not bytes:", "    raise bad('bytes')", *_chunk()],
    "string": ["if not isinstance(v, str):", "    raise bad('a string')", "v = v.encode()", *_chunk()],
}
