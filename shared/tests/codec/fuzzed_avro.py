"""Fuzzed Avro: schemas, values of a schema, and the ways in which a stranger may spoil the bytes of one."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import strategies as st

Schema = Any

NUMBERS = {"int": 31, "long": 63}
NAMES = ("a", "b", "class", "Ünit", "__init__")
HOSTILE = (
    *(b"\x01", b"\x03", b"\x7f", b"\x80\x01", b"\xfe\xff\xff\xff\x0f", b"\xff\xff\xff\xff\x0f"),
    *(b"\x80\x88\x9f\x09", b"\xff" * 9 + b"\x01", b"\xfe" + b"\xff" * 8 + b"\x01", b"\x80" * 10 + b"\x01"),
    *(b"\xff", b"\xed\xa0\x80", b"\x00" * 8, b"\x02" * 40),
)
"""Varints that are negative, huge, too wide or too long; no UTF-8; what opens a recursive type again and again."""


class Schemas:
    """Draws record schemas of everything that Avro can say; each named type gets a name of its own."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._count = 0
        self._open: list[str] = []

    def record(self, *, deep: int) -> Schema:
        name = self._name("R")
        self._open.append(name)
        names = self._draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
        fields = [{"name": one, "type": self.node(deep=deep - 1)} for one in names]
        self._open.pop()
        return {"type": "record", "name": name, "fields": fields}

    def node(self, *, deep: int) -> Schema:  # noqa: C901, PLR0911 - one a kind of type
        simple = ["null", "boolean", "int", "long", "float", "double", "bytes", "string", "moment", "decimal"]
        kinds = [*simple, "enum", "fixed"]
        if deep > 0:
            kinds += ["array", "map", "record", "union", "again"]
        match self._draw(st.sampled_from(kinds)):
            case "moment":
                return {"type": "long", "logicalType": "timestamp-millis"}
            case "decimal":
                return {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
            case "enum":
                return {"type": "enum", "name": self._name("E"), "symbols": ["ONE", "TWO", "THREE"]}
            case "fixed":
                return {"type": "fixed", "name": self._name("F"), "size": self._draw(st.integers(0, 5))}
            case "array":
                return {"type": "array", "items": self.node(deep=deep - 1)}
            case "map":
                return {"type": "map", "values": self.node(deep=deep - 1)}
            case "record":
                return self.record(deep=deep)
            case "again":
                return ["null", self._draw(st.sampled_from(self._open))]
            case "union":
                return self._union(deep)
            case primitive:
                return primitive

    def _union(self, deep: int) -> Schema:
        numbers, texts = st.sampled_from(["int", "long", "double"]), st.sampled_from(["string", "bytes"])
        branches = ["null", "boolean", self._draw(numbers), self._draw(texts)]
        if deep > 1:
            branches.append({"type": "array", "items": self.node(deep=deep - 2)})
            branches.append(self.record(deep=deep - 2))
        return self._draw(st.lists(st.sampled_from(branches), min_size=1, max_size=6, unique_by=repr))

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A record schema, at most four deep."""
    return Schemas(draw).record(deep=4)


class Values:
    """Draws values of a schema, small ones. What is recursive ends after a few levels."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._named: dict[str, Schema] = {}

    def of(self, node: Schema, *, deep: int = 6) -> Any:  # noqa: PLR0911 - one a kind of type
        if isinstance(node, list):
            return self.of(node[0] if deep <= 0 else self._draw(st.sampled_from(node)), deep=deep - 1)
        if isinstance(node, str):
            return self.of(self._named[node], deep=deep) if node in self._named else self._primitive(node)
        if "name" in node:
            self._named[node["name"]] = self._named[f"{node.get('namespace', '')}.{node['name']}"] = node
        match node["type"]:
            case "record":
                return {field["name"]: self.of(field["type"], deep=deep - 1) for field in node["fields"]}
            case "array":
                return [self.of(node["items"], deep=deep - 1) for _ in range(self._draw(st.integers(0, 3)))]
            case "map":
                keys = self._draw(st.lists(st.text(max_size=3), max_size=3, unique=True))
                return {key: self.of(node["values"], deep=deep - 1) for key in keys}
            case "enum":
                return self._draw(st.sampled_from(node["symbols"]))
            case "fixed":
                return self._draw(st.binary(min_size=node["size"], max_size=node["size"]))
            case _ if node.get("logicalType") == "timestamp-millis":
                naive = self._draw(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001 - as hypothesis wants it
                return naive.replace(microsecond=naive.microsecond // 1000 * 1000, tzinfo=UTC)
            case primitive:
                return self._primitive(primitive)

    def _primitive(self, kind: str) -> Any:  # noqa: PLR0911 - one a kind of type
        match kind:
            case "null":
                return None
            case "boolean":
                return self._draw(st.booleans())
            case "int" | "long":
                bits = NUMBERS[kind]
                return self._draw(st.integers(-(2**bits), 2**bits - 1))
            case "float":
                return self._draw(st.floats(width=32))
            case "double":
                return self._draw(st.floats())
            case "bytes":
                return self._draw(st.binary(max_size=8))
            case _:
                return self._draw(st.text(max_size=8))


@st.composite
def values(draw: st.DrawFn, schema: Schema) -> Any:
    """A value of a schema."""
    return Values(draw).of(schema)


def spoilt(good: bytes, dice: Random) -> bytes:
    """Spoil bytes in one to three ways: flip, cut, splice, repeat, and rewrite lengths, counts and indexes."""
    value = bytearray(good)
    for _ in range(dice.randint(1, 3)):
        at, to = sorted((dice.randint(0, len(value)), dice.randint(0, len(value))))
        match dice.randrange(7):
            case 0 if value:
                value[dice.randrange(len(value))] ^= 1 << dice.randrange(8)
            case 1:
                del value[at:]
            case 2:
                del value[at:to]
            case 3:
                value[at:at] = value[at:to] * dice.randint(1, 3)
            case 4:
                value[at : at + 1] = dice.choice(HOSTILE)
            case 5:
                value[at:at] = dice.choice(HOSTILE)
            case _:
                value[at:to] = dice.randbytes(dice.randint(0, 12))
    return bytes(value)
