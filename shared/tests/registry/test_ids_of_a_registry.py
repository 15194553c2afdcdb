"""Which ids are on the wire: those of the lock, or, with a registry, those that it gave, as the id map says.

One number must never mean two schemas. So the map replaces the lock's ids whole, a service whose events have no id in
it does not start, a map that was made for other schemas is refused, and a registry without a map is too.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from farandole import Service
from farandole.clock import SystemClock
from farandole.codec import Codec
from farandole.contracts.lock import read_lock
from farandole.errors import ContractError, StartError, UnknownSchemaError
from farandole.registry import IdMap, MappedId, RegistrySource
from farandole.schema import Catalogue
from farandole.settings import Settings
from farandole.wire_schemas import catalogue_of, source_of
from farandole_events import CATALOGUE, OrderCancelled, StockReleased

LOCK = read_lock((Path(__file__).resolve().parents[3] / "schemas" / "ids.lock").read_text("utf-8"))
EVENT = OrderCancelled(order_id="o-1", customer_id="c-1", reason="", cause="customer")


def mapped(*, without: str = "", shift: int = 1) -> IdMap:
    """Map each id of the lock to another one of the lock: whoever mixes the two up reads by the wrong schema."""
    ids = [line.id for line in LOCK]
    rows = zip(LOCK, [*ids[shift:], *ids[:shift]], strict=True)
    return IdMap(
        ids=tuple(
            MappedId(id=number, type=line.fullname, version=line.version, sha256=line.sha256)
            for line, number in rows
            if line.fullname != without
        )
    )


@pytest.fixture
def service() -> Service:
    service = Service("mapped")

    async def listen(event: StockReleased) -> OrderCancelled:
        return EVENT

    service.on(StockReleased)(listen)
    return service


def settings(path: Path, *, url: str = "") -> Settings:
    return Settings(registry_ids=str(path), registry_url=url)


def test_what_is_written_under_the_ids_of_a_map_is_read_under_them(tmp_path: Path, service: Service) -> None:
    mapped().write(tmp_path / "ids.json")
    catalogue = catalogue_of(service, settings(tmp_path / "ids.json"))
    value = Codec(catalogue).encode(EVENT)
    assert int.from_bytes(value[1:5], "big") == catalogue.id_of(OrderCancelled.avro) != OrderCancelled.avro.id
    assert Codec(catalogue).decode(value, OrderCancelled) == EVENT
    assert catalogue.topics == CATALOGUE.topics


def test_a_map_survives_being_written_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    mapped().write(tmp_path / "there" / "ids.json")
    read = IdMap.read(tmp_path / "there" / "ids.json")
    assert set(read.ids) == set(mapped().ids)
    assert [file.name for file in (tmp_path / "there").iterdir()] == ["ids.json"]


def test_a_version_that_the_map_lacks_is_not_read_by_its_old_id_and_cannot_be_written() -> None:
    catalogue = mapped(without=OrderCancelled.avro.fullname).applied(CATALOGUE.versions)
    with pytest.raises(ContractError, match="no id in the registry"):
        Codec(catalogue).encode(EVENT)
    gone = {line.id for line in LOCK} - {one.id for one in mapped(without=OrderCancelled.avro.fullname).ids}
    with pytest.raises(UnknownSchemaError):
        catalogue.by_id(gone.pop())


def test_a_service_whose_event_has_no_id_does_not_start(tmp_path: Path, service: Service) -> None:
    mapped(without=OrderCancelled.avro.fullname).write(tmp_path / "ids.json")
    with pytest.raises(StartError, match="OrderCancelled has no id"):
        catalogue_of(service, settings(tmp_path / "ids.json"))
    mapped(without=StockReleased.avro.fullname).write(tmp_path / "ids.json")
    catalogue_of(service, settings(tmp_path / "ids.json"))  # what is only heard, the registry can be asked for


def test_a_map_of_other_schemas_is_refused(tmp_path: Path, service: Service) -> None:
    text = mapped().text().replace(LOCK[0].sha256, "0" * 64)
    (tmp_path / "ids.json").write_text(text)
    with pytest.raises(StartError, match=LOCK[0].fullname):
        catalogue_of(service, settings(tmp_path / "ids.json"))


def test_a_map_of_a_newer_lock_is_taken(service: Service) -> None:
    newer = MappedId(id=900, type=OrderCancelled.avro.fullname, version=99, sha256="0" * 64)
    catalogue = IdMap(ids=(*mapped().ids, newer)).applied(CATALOGUE.versions)
    assert 900 not in catalogue


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ids": 7}', '{"ids": [{"id": 1}]}', '{"ids": [7]}'])
def test_a_broken_map_is_named(tmp_path: Path, service: Service, text: str) -> None:
    (tmp_path / "ids.json").write_text(text)
    with pytest.raises(StartError, match=r"ids\.json is no id map"):
        catalogue_of(service, settings(tmp_path / "ids.json"))


@pytest.mark.parametrize("number", [-1, 2**32, True, "7", 1.5])
def test_an_id_that_does_not_fit_the_wire_is_refused(tmp_path: Path, number: object) -> None:
    row = {"id": number, "type": "a.B", "version": 1, "sha256": ""}
    (tmp_path / "ids.json").write_text(json.dumps({"ids": [row]}))
    with pytest.raises(StartError, match="no id map"):
        IdMap.read(tmp_path / "ids.json")


def test_a_missing_map_is_named(tmp_path: Path, service: Service) -> None:
    with pytest.raises(StartError, match=r"ids\.json is no id map"):
        catalogue_of(service, settings(tmp_path / "ids.json"))


def test_a_registry_demands_a_map(service: Service) -> None:
    with pytest.raises(StartError, match="no id map"):
        catalogue_of(service, Settings(registry_url="http://127.0.0.1:1"))


async def test_a_registry_is_asked_only_where_one_is_set_and_its_url_is_checked_at_the_start() -> None:
    async with source_of(CATALOGUE, Settings(), SystemClock()) as source:
        assert isinstance(source, Catalogue)
    async with source_of(CATALOGUE, Settings(registry_url="http://127.0.0.1:1"), SystemClock()) as source:
        assert isinstance(source, RegistrySource)
    with pytest.raises(StartError):
        async with source_of(CATALOGUE, Settings(registry_url="http://a:hush@127.0.0.1:1"), SystemClock()):
            pass
