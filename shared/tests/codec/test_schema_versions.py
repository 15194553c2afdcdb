"""A reader of one version reads what another version wrote, by Avro's rules; an unknown version is said to be so."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import pytest
from farandole.codec import Codec
from farandole.errors import ContractError, RegistryUnavailableError, UndecodableError, UnknownSchemaError
from farandole.event import Event
from farandole.schema import Catalogue, EventSchema
from farandole_events import CATALOGUE, StockReleased


def schema(schema_id: int, *fields: dict[str, Any], name: str = "Moved", doc: str = "It moved.") -> EventSchema:
    avsc = {"type": "record", "name": name, "namespace": "demo.moves", "doc": doc, "key": "move_id"}
    return EventSchema(
        id=schema_id,
        name=name,
        fullname=f"demo.moves.{name}",
        topic="moves",
        key="move_id",
        version=schema_id,
        avsc={**avsc, "fields": [{"name": "move_id", "type": "string"}, *fields]},
    )


WEIGHT = {"name": "weight", "type": "int", "default": 7}
COLOUR = {"name": "colour", "type": ["null", "string"], "default": None}
FIRST = schema(1, WEIGHT)
SECOND = schema(2, COLOUR, WEIGHT)
THIRD = schema(3, COLOUR)


class MovedFirst(Event, frozen=True, kw_only=True):
    avro: ClassVar[EventSchema] = FIRST
    move_id: str
    weight: int = 7


class MovedThird(Event, frozen=True, kw_only=True):
    avro: ClassVar[EventSchema] = THIRD
    move_id: str
    colour: str | None = None


CODEC = Codec(Catalogue([FIRST, SECOND, THIRD]))


def test_an_older_reader_skips_a_new_field_and_a_newer_one_fills_in_the_default() -> None:
    old = CODEC.encode(MovedFirst(move_id="m", weight=3))
    new = CODEC.encode(MovedThird(move_id="m", colour="red"))
    assert CODEC.decode(old, MovedThird) == MovedThird(move_id="m", colour=None)
    assert CODEC.decode(new, MovedFirst) == MovedFirst(move_id="m", weight=7)


def test_a_generic_reader_sees_what_was_written_under_the_writers_version() -> None:
    written, fields = CODEC.decode_any(CODEC.encode(MovedThird(move_id="m", colour="red")))
    assert (written.version, fields) == (3, {"move_id": "m", "colour": "red"})


def test_malformed_bytes_of_another_version_are_undecodable() -> None:
    value = CODEC.encode(MovedFirst(move_id="m", weight=3))
    for broken in (value + b"\x00", value[:-1], value[:-1] + b"\xff" * 9 + b"\x01"):
        with pytest.raises(UndecodableError):
            CODEC.decode(broken, MovedThird)


def test_a_version_that_resolution_cannot_read_is_undecodable() -> None:
    bare = schema(4)
    source = Catalogue([schema(9, {"name": "colour", "type": "long"}), THIRD, bare])
    value = b"\x00\x00\x00\x00\x09" + b"\x02m\x04"
    with pytest.raises(UndecodableError):
        Codec(source).decode(value, MovedThird)


def test_a_version_that_differs_in_docs_alone_is_read_without_resolution() -> None:
    reworded = schema(5, copy.deepcopy(WEIGHT), doc="Something moved.")
    value = CODEC.encode(MovedFirst(move_id="m", weight=3))
    codec = Codec(Catalogue([reworded]))
    assert codec.decode(b"\x00\x00\x00\x00\x05" + value[5:], MovedFirst) == MovedFirst(move_id="m", weight=3)


def test_a_type_of_the_same_name_in_another_namespace_is_another_type() -> None:
    twin = {**FIRST.avsc, "namespace": "demo.visits"}
    source = Catalogue(
        [EventSchema(id=8, name="Moved", fullname="demo.visits.Moved", topic="v", key="move_id", version=1, avsc=twin)]
    )
    value = CODEC.encode(MovedFirst(move_id="m", weight=3))
    with pytest.raises(UndecodableError) as refused:
        Codec(source).decode(b"\x00\x00\x00\x00\x08" + value[5:], MovedFirst)
    assert refused.value.why == "it was written as demo.visits.Moved"


def test_an_unknown_id_names_itself() -> None:
    with pytest.raises(UnknownSchemaError, match="4095"):
        CODEC.decode(b"\x00\x00\x00\x0f\xff\x02m", MovedFirst)
    with pytest.raises(UnknownSchemaError, match="4095"):
        CODEC.decode_any(b"\x00\x00\x00\x0f\xff\x02m")


class ClosedRegistry:
    """A schema source that answers only when it is open."""

    def __init__(self, source: Catalogue) -> None:
        self.open = False
        self._source = source

    def by_id(self, schema_id: int) -> EventSchema:
        if not self.open:
            raise RegistryUnavailableError("the registry does not answer")
        return self._source.by_id(schema_id)

    async def learn(self, schema_id: int) -> None:
        self.by_id(schema_id)

    def id_of(self, schema: EventSchema) -> int:
        return self._source.id_of(schema)


def test_a_registry_that_is_away_is_no_fault_of_the_bytes_and_is_asked_again() -> None:
    registry = ClosedRegistry(Catalogue([FIRST]))
    codec = Codec(registry)
    event = MovedFirst(move_id="m", weight=3)
    value = codec.encode(event)
    for decode in (lambda: codec.decode(value, MovedFirst), lambda: codec.decode_any(value)):
        registry.open = False
        with pytest.raises(RegistryUnavailableError):
            decode()
        registry.open = True
        decode()
    assert codec.decode(value, MovedFirst) == event


def test_a_class_that_lacks_a_field_of_its_schema_is_a_contract_error_not_a_dead_letter() -> None:
    class Forgetful(Event, frozen=True, kw_only=True):
        avro: ClassVar[EventSchema] = FIRST
        move_id: str

    value = CODEC.encode(MovedFirst(move_id="m", weight=3))
    with pytest.raises(ContractError) as refused:
        CODEC.decode(value, Forgetful)
    assert not isinstance(refused.value, UndecodableError)


def test_the_catalogue_of_the_mesh_reads_every_id_that_it_ever_gave() -> None:
    for listed in CATALOGUE:
        assert CATALOGUE.by_id(listed.id) is listed
    assert CATALOGUE["StockReleased"] is StockReleased.avro
