"""Avro picker: reads some fields of a record, and makes nothing of the others; all bytes are checked as if it did.

So it tells the same bytes from those of an event as the reader does, for a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from farandole.avro_reader import (
    Compiler,
    ReadRecord,
    bounded,
    chunk,
    full_name_of,
    least_of,
    unsigned,
)

LAST_TIME: Final = 2 * 253_402_300_799_999
"""The last millisecond that a datetime has, as Avro writes it: twice the number, and of negative ones one less."""
FIRST_TIME: Final = 2 * 62_135_596_800_000 - 1


def compile_picker(schema: Mapping[str, Any], fields: tuple[str, ...]) -> ReadRecord:
    """Compile a reader of these ``fields`` of a record schema, which makes a dict of them.

    A field that the schema has not got is None. It raises what the reader of `compile_reader` raises, of the same
    bytes, and is as safe to share. Raises ValueError or KeyError where ``schema`` is no Avro schema.
    """
    compiler = _Picker(lambda _: dict)
    compiler.record(schema, "")  # which notes every type that has a name
    return cast("ReadRecord", compiler.picked(schema, fields))


class _Picker(Compiler):
    """Writes, beside the functions that read a type, those that pass over it."""

    def __init__(self, make: Callable[[str], Callable[..., Any]]) -> None:
        super().__init__(make)
        self._records: dict[str, Mapping[str, Any]] = {}
        self._passes: dict[str, str] = {}

    def record(self, schema: Mapping[str, Any], home: str) -> str:
        self._records[full_name_of(schema, home)[0]] = schema
        return super().record(schema, home)

    def picked(self, schema: Mapping[str, Any], fields: tuple[str, ...]) -> Any:
        _, space = full_name_of(schema, "")
        body: list[str] = []
        values = dict.fromkeys(fields, "None")
        for number, field in enumerate(schema["fields"]):
            if field["name"] in values:
                values[field["name"]] = to = f"v{number}"
                body += self.read(field["type"], to, space)
            else:
                body += self._pass(field["type"], space)
        made = ", ".join(f"{name!r}: {value}" for name, value in values.items())
        self.function("pick", [*body, f"return {{{made}}}, pos"])
        return self.build()["pick"]

    def _pass(self, node: Any, home: str) -> list[str]:  # noqa: PLR0911 - one a kind of type
        """Return the lines that pass over a value of type ``node``."""
        if isinstance(node, list):
            return self._pass_union(node, home)
        if isinstance(node, str):
            return PASSES[node] if node in PASSES else self._pass_named(node, home)
        schema = cast("dict[str, Any]", node)
        match schema["type"]:
            case "record" | "error" | "enum" | "fixed":
                return self._pass_named(full_name_of(schema, home)[0], home)
            case "array":
                least = max(1, least_of(schema["items"]))
                return self.blocks("nothing", self._pass_item(schema["items"], home), start="None", least=least)
            case "map":
                item = [*PASSES["string"], *self._pass_item(schema["values"], home)]
                return self.blocks("nothing", item, start="None", least=1)
            case "long" if schema.get("logicalType") == "timestamp-millis":
                return _TIME
            case inner:
                return self._pass(inner, home)

    def _pass_named(self, name: str, home: str) -> list[str]:
        full = name if name in self._records else f"{home}.{name}"
        record = self._records.get(full)
        if record is None:  # an enum, or fixed bytes: there is nothing to be saved
            return [f"nothing, pos = {self.find(name, home)}(buf, pos, size)"]
        if full not in self._passes:
            self._passes[full] = function = f"pass_{len(self._passes)}"
            space = full.rpartition(".")[0]
            body = [line for field in record["fields"] for line in self._pass(field["type"], space)]
            self.function(function, [*body, "return pos"])
        return [f"pos = {self._passes[full]}(buf, pos, size)"]

    def _pass_item(self, node: Any, home: str) -> list[str]:
        """Pass over an item by a call where it holds a loop: Python bounds how deep loops nest in one function."""
        lines = self._pass(node, home)
        if not any("while" in line for line in lines):
            return lines
        function = f"pass_{len(self._passes)}"
        self._passes[function] = function
        self.function(function, [*lines, "return pos"])
        return [f"pos = {function}(buf, pos, size)"]

    def _pass_union(self, branches: list[Any], home: str) -> list[str]:
        lines = unsigned()
        for number, branch in enumerate(branches):
            lines.append(f"{'el' if number else ''}if n == {2 * number}:")
            lines += [f"    {line}" for line in self._pass(branch, home)]
        return [*lines, "else:", "    raise bad('a union has no such branch')"]


def _over(length: int) -> list[str]:
    return [f"end = pos + {length}", *bounded(), "pos = end"]


_TIME: Final = [
    *unsigned(),
    f"if n > {LAST_TIME} or (n & 1 and n > {FIRST_TIME}):",
    "    raise bad('a time is out of range')",
]
PASSES: Final[Mapping[str, list[str]]] = {
    "null": ["pass"],
    "boolean": ["if buf[pos] > 1:", "    raise bad('a boolean is 0 or 1')", "pos += 1"],
    "int": [*unsigned(), "if n >> 32:", "    raise bad('an int is wider than 32 bits')"],
    "long": unsigned(),
    "float": _over(4),
    "double": _over(8),
    "bytes": [*chunk(), "pos = end"],
    "string": [*chunk(), "if not buf[pos:end].isascii():", "    buf[pos:end].decode()", "pos = end"],
}
