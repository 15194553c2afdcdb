"""What a schema tags as personal is masked in every output, whichever version of which event it lies in.

The tag was not there from the beginning: records that were written before it are masked as well, wherever the record
that holds the field appears. A --where may not ask about a personal field either: whoever asks often enough knows it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from farandole.codec import Codec, same_shape
from farandole.errors import UsageError
from farandole.masking import MASK, Masking, masked, without
from farandole.personal import EACH, PersonalFields
from farandole.schema import EventSchema
from farandole.selection import Request, Where, resolve
from farandole_events import CATALOGUE, Address, CancellationRequested, OrderPacked, StockLine

STREET = "Obere Str. 57"
PACKED = OrderPacked(
    order_id="7",
    package_id="p",
    parcels=1,
    weight_grams=1,
    lines=(StockLine(product_id="a", quantity=1),),
    ship_to=Address(name="Ada", street=STREET, city="Berlin", country="Germany"),
    carrier="Speedy",
    customer_id="c",
)
CODEC = Codec(CATALOGUE)


def every_version(name: str) -> list[EventSchema]:
    return [one for one in CATALOGUE.versions if one.name == name]


def written_as(version: EventSchema) -> bytes:
    """Return the bytes of an OrderPacked as the writers of that version wrote it: only the tags differ."""
    return b"\x00" + version.id.to_bytes(4, "big") + CODEC.encode(PACKED)[5:]


@pytest.mark.parametrize("version", every_version("OrderPacked"), ids=lambda one: f"v{one.version}")
def test_every_version_of_an_event_is_masked(version: EventSchema) -> None:
    shown = Masking(PersonalFields(CATALOGUE.versions)).payload(written_as(version), CODEC)
    assert shown["ship_to"] == {
        "name": MASK,
        "street": MASK,
        "city": MASK,
        "region": None,
        "postal_code": None,
        "country": "Germany",
    }
    assert shown["order_id"] == "7"
    assert shown["lines"] == ({"product_id": "a", "quantity": 1},)


def test_there_is_a_version_without_the_tags_so_that_this_means_something() -> None:
    assert len(every_version("OrderPacked")) >= 2
    assert not PersonalFields(every_version("OrderPacked")[:1]).tree(every_version("OrderPacked")[0])


def test_an_operator_who_asks_sees_everything() -> None:
    shown = Masking(PersonalFields(CATALOGUE.versions), pii=True).payload(CODEC.encode(PACKED), CODEC)
    assert shown["ship_to"]["street"] == STREET


@pytest.mark.parametrize(
    "value",
    [
        STREET.encode(),
        b"\x00\x00\x00\x03\xe7" + STREET.encode(),
        CODEC.encode(PACKED)[:-1],
        CODEC.encode(PACKED) + b"\x00",
        b"",
    ],
)
def test_bytes_that_are_no_event_show_their_length_and_nothing_else(value: bytes) -> None:
    personal = PersonalFields(CATALOGUE.versions)
    shown = Masking(personal).payload(value, CODEC)
    assert shown.keys() == {"undecodable", "bytes"}
    assert shown["bytes"] == len(value)
    assert "Obere" not in str(shown)
    assert Masking(personal, pii=True).payload(value, CODEC)["hex"] == value.hex()


def test_a_record_without_a_value_is_null() -> None:
    assert Masking(PersonalFields(CATALOGUE.versions)).payload(None, CODEC) is None


ADDRESS = {"type": "record", "name": "A", "fields": [{"name": "city", "type": "string", "pii": True}]}
NESTED: dict[str, Any] = {
    "type": "record",
    "name": "N",
    "namespace": "n",
    "key": "id",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "one", "type": ADDRESS},
        {"name": "maybe", "type": ["null", "A"]},
        {"name": "many", "type": {"type": "array", "items": "n.A"}},
        {"name": "maybe_many", "type": ["null", {"type": "array", "items": ["null", "A"]}]},
        {"name": "named", "type": {"type": "map", "values": "A"}},
        {"name": "whole", "type": "A", "pii": True},
        {"name": "told", "type": {"type": "array", "items": "string"}, "pii": True},
        {"name": "plain", "type": "string", "pii": False},
    ],
}
CITY, HIDDEN = {"city": "Ulm"}, {"city": MASK}
FIELDS: dict[str, Any] = {
    "id": "7",
    "one": CITY,
    "maybe": CITY,
    "many": (CITY, CITY),
    "maybe_many": (None, CITY),
    "named": {"a": CITY},
    "whole": CITY,
    "told": ("x",),
    "plain": "p",
}


def nested() -> EventSchema:
    return EventSchema(id=1, name="N", fullname="n.N", topic="n", key="id", version=1, avsc=NESTED)


def test_records_in_unions_lists_and_maps_are_masked() -> None:
    tree = PersonalFields([nested()]).tree(nested())
    assert masked(FIELDS, tree) == {
        "id": "7",
        "one": HIDDEN,
        "maybe": HIDDEN,
        "many": (HIDDEN, HIDDEN),
        "maybe_many": (None, HIDDEN),
        "named": {"a": HIDDEN},
        "whole": MASK,
        "told": MASK,
        "plain": "p",
    }
    assert tree["named"] == {EACH: {"city": True}}
    assert masked(dict.fromkeys(FIELDS), tree) == dict.fromkeys(FIELDS)


def test_what_may_not_be_asked_about_is_not_there() -> None:
    assert without(FIELDS, PersonalFields([nested()]).tree(nested())) == {
        "id": "7",
        "one": {},
        "maybe": {},
        "many": ({}, {}),
        "maybe_many": (None, {}),
        "named": {"a": {}},
        "plain": "p",
    }


@pytest.mark.parametrize(
    "text",
    [
        'ship_to.street == "Obere Str. 57"',
        'ship_to.name.startsWith("A")',
        'parcels > 0 && ship_to . city != ""',
        'ship_to["street"] == "x" || ship_to.street == "y"',
    ],
)
def test_a_condition_on_a_personal_field_needs_an_operator(text: str) -> None:
    request = Request(types=["OrderPacked"], where=text)
    with pytest.raises(UsageError) as refused:
        resolve(request, CATALOGUE, topics=())
    assert refused.value.code == "E525"
    assert resolve(replace(request, pii=True), CATALOGUE, topics=()).where == text


@pytest.mark.parametrize(
    "text", ['ship_to["str" + "eet"] == "Obere Str. 57"', 'ship_to["street"] == "Obere Str. 57"', "size(ship_to) == 6"]
)
def test_a_condition_that_hides_what_it_asks_for_learns_nothing(text: str) -> None:
    schemas = every_version("OrderPacked")
    schema, fields = CODEC.decode_any(CODEC.encode(PACKED))
    assert not Where(text, schemas, pii=False).matches(schema, fields)
    assert Where(text, schemas, pii=True).matches(schema, fields)


def test_a_tag_makes_no_other_shape_so_that_old_records_are_read_as_fast() -> None:
    older, newer = every_version("CancellationRequested")[:2]
    assert older.avsc != newer.avsc
    assert same_shape(older.avsc, newer.avsc)
    value = b"\x00" + older.id.to_bytes(4, "big") + CODEC.encode(CancellationRequested(order_id="7", reason="r"))[5:]
    assert CODEC.decode(value, CancellationRequested).reason == "r"
