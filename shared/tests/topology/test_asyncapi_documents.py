"""The topology as AsyncAPI documents: every reference leads somewhere, and private topics are those that a service has.

That the documents are what AsyncAPI calls valid is for AsyncAPI's own validator to say
(`tests/docs/test_asyncapi_documents_are_valid.py`); here is what no validator knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from farandole.cli.topology import topology
from farandole.errors import UsageError
from farandole.topology import installed_topology
from farandole_events import OrderPlaced

TOPOLOGY = installed_topology()
SERVICES = ["", *(one.name for one in TOPOLOGY.services)]


def documented(capsys, service: str = "") -> dict:
    assert topology(service=service, asyncapi=True, json=True) == 0
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


def references(value) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(found := value.get("$ref"), str):
            yield found
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


@pytest.mark.parametrize("service", SERVICES, ids=lambda name: name or "mesh")
def test_every_reference_leads_somewhere(capsys, service):
    document = documented(capsys, service)
    found = set(references(document))
    assert found or not document["channels"]
    for one in found:
        at = document
        for step in one.removeprefix("#/").split("/"):
            at = at[step.replace("~1", "/").replace("~0", "~")]


@pytest.mark.parametrize("sheet", TOPOLOGY.services, ids=lambda sheet: sheet.name)
def test_the_channels_of_a_service_are_its_private_topics_and_the_domain_topics_it_touches(capsys, sheet):
    document = documented(capsys, sheet.name)
    touched = {TOPOLOGY.event(one.event).topic for one in TOPOLOGY.emissions if one.service == sheet.name}
    touched |= {TOPOLOGY.event(one.event).topic for one in TOPOLOGY.hearings if one.service == sheet.name}
    if any(one.service == sheet.name for one in TOPOLOGY.observations):
        touched |= {one.topic for one in TOPOLOGY.events}
    assert set(document["channels"]) == touched | set(sheet.private_topics)
    used = {one["channel"]["$ref"].removeprefix("#/channels/") for one in document["operations"].values()}
    assert used == set(document["channels"])


def test_a_handler_s_hearing_is_an_operation_in_its_service_s_group(capsys):
    document = documented(capsys, "payments")
    operation = document["operations"]["payments.receive.orders"]
    assert operation["action"] == "receive"
    assert operation["bindings"]["kafka"]["groupId"]["enum"] == ["payments"]
    assert "OrderPlaced" in operation["description"]
    payload = document["components"]["schemas"][OrderPlaced.avro.fullname]
    assert payload["schema"] == OrderPlaced.avro.avsc


def test_the_mesh_has_what_its_services_have_together(capsys):
    mesh = documented(capsys)
    each = [documented(capsys, one.name) for one in TOPOLOGY.services]
    assert mesh["operations"] == {name: it for one in each for name, it in one["operations"].items()}


def test_a_folder_gets_a_document_a_service_and_one_of_the_mesh(tmp_path, capsys):
    assert topology(asyncapi=True, out=tmp_path / "new" / "folder") == 0
    assert capsys.readouterr().out == ""
    names = {one.name.removesuffix(".asyncapi.json") for one in (tmp_path / "new" / "folder").iterdir()}
    assert names == {"mesh", *SERVICES} - {""}
    assert json.loads((tmp_path / "new" / "folder" / "crm.asyncapi.json").read_text()) == documented(capsys, "crm")


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        topology(asyncapi=True, out=tmp_path / "file")
    assert caught.value.code == "E626"


def test_a_folder_without_documents_is_refused(tmp_path):
    with pytest.raises(UsageError) as caught:
        topology(acls=True, out=tmp_path)
    assert caught.value.code == "E627"
