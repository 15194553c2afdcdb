"""A schema id may name a schema that nobody here wrote: recursive, with lists of nothing, or no schema at all.

Whatever it is, the bytes under it give fields or a refusal. Nothing that such a schema has more than ours ends up in
the event, and no reader of ours goes deeper, or makes more, than the bytes pay for.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from farandole.codec import Codec
from farandole.errors import UndecodableError
from farandole.event import Event
from farandole.schema import Catalogue, EventSchema

LINK = ["null", {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "demo.Node"]}]}]
NOTHINGS = {"type": "array", "items": "null"}
EMPTIES = {"type": "array", "items": {"type": "record", "name": "Empty", "fields": []}}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
SUIT = {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]}
MEGABYTE = 999_000


def schema(schema_id: int, *types: Any) -> EventSchema:
    fields: list[Any] = [{"name": "move_id", "type": "string"}]
    fields += [{"name": f"f{number}", "type": one} for number, one in enumerate(types)]
    return EventSchema(
        id=schema_id,
        name="Moved",
        fullname="demo.Moved",
        topic="moves",
        key="move_id",
        version=schema_id,
        avsc={"type": "record", "name": "Moved", "namespace": "demo", "key": "move_id", "fields": fields},
    )


class Moved(Event, frozen=True, kw_only=True):
    avro: ClassVar[EventSchema] = schema(1)
    move_id: str


def decoders(*types: Any) -> tuple[Any, Any]:
    codec = Codec(Catalogue([Moved.avro, schema(2, *types)]))
    return codec.decode_any, lambda value: codec.decode(value, Moved)


def value(*parts: bytes) -> bytes:
    return b"\0\0\0\0\2" + b"\x02m" + b"".join(parts)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (LINK, b"\x02" * MEGABYTE),
        (LINK, b"\x02" * 900),
        (NOTHINGS, b"\x80\xda\xc4\x09\x00"),
        (NOTHINGS, b"\xff" * 9 + b"\x01\x00\x00"),
        (EMPTIES, b"\x80\xda\xc4\x09\x00"),
        (EMPTIES, b"\xff\xd9\xc4\x09\x00\x00"),
        (SUIT, b"\x01"),
        (SUIT, b"\x04"),
        (["null", "string"], b"\x01"),
        (["null", "string"], b"\x04"),
        ({"type": "map", "values": "null"}, b"\x80\xda\xc4\x09\x00"),
        ({"type": "fixed", "name": "Huge", "size": 2**40}, b"\x00"),
        (DECIMAL, b"\x80\x80\x80\x80\x10\x01"),
    ],
    ids=[
        "a megabyte deep",
        "nine hundred deep, and cut short",
        "five bytes that count ten million nulls",
        "nulls by a count of 2 to the 63",
        "five bytes that count ten million empty records",
        "the same in a block that states its size",
        "an enum's symbol -1",
        "an enum's symbol beyond the last",
        "a union's branch -1",
        "a union's branch beyond the last",
        "ten million names",
        "a fixed of a terabyte",
        "a decimal of two gigabytes",
    ],
)
def test_bytes_that_would_be_too_much_are_undecodable(kind: Any, body: bytes) -> None:
    for decode in decoders(kind):
        with pytest.raises(UndecodableError):
            decode(value(body))


def test_what_an_event_has_not_is_passed_over_however_large() -> None:
    generic, own = decoders(DECIMAL)
    digits = b"\x7f" * 990_000
    fits = b"\xe0\xec\x78" + digits
    assert own(value(fits)) == Moved(move_id="m")
    assert generic(value(fits))[1]["f0"] == digits, "bytes, of which nobody makes a number"
    huge = b"\x80\x89\x7a" + b"\x7f" * 1_000_000
    for decode in (generic, own):
        with pytest.raises(UndecodableError, match="at most"):
            decode(value(huge))


def test_a_chain_of_five_hundred_is_read() -> None:
    for decode in decoders(LINK):
        decode(value(b"\x02" * 500 + b"\x00"))


def deep(levels: int) -> Any:
    node: Any = "string"
    for level in range(levels):
        node = {"type": "record", "name": f"D{level}", "fields": [{"name": "d", "type": node}]}
    return node


@pytest.mark.parametrize(
    "kind",
    ["no.Such", {"type": "none"}, {"type": "fixed", "name": "F"}, {"type": "record", "name": "R"}, deep(2_000), [[]]],
    ids=["a name of nothing", "a type of nothing", "no size", "no fields", "two thousand deep", "an empty union"],
)
def test_a_schema_that_is_none_makes_its_bytes_undecodable(kind: Any) -> None:
    for decode in decoders(kind):
        with pytest.raises(UndecodableError):
            decode(value(b"\x00" * 40))


def test_a_value_that_there_is_no_memory_for_is_not_taken_for_bad() -> None:
    class Scarce(Event, frozen=True, kw_only=True):
        avro: ClassVar[EventSchema] = Moved.avro
        move_id: str

        def __post_init__(self) -> None:
            raise MemoryError

    with pytest.raises(MemoryError):
        Codec(Catalogue([Moved.avro])).decode(b"\0\0\0\0\1\x02m", Scarce)
