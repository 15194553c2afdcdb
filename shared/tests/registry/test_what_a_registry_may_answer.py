"""Only a registry's own words count: that it lacks an id is believed, and nothing else is taken for that.

A wrong path, a proxy that lost its registry, a login page, a refused password: each answers something to a question for
a schema. If one of them were taken for "there is no such schema", every delivery of a newer version would become a dead
letter for a typing error in a URL. So they all count as a registry that is away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from farandole.errors import ContractError, RegistryUnavailableError, UsageError
from farandole.registry import Registry, connect
from farandole.registry.client import MOST_BYTES
from farandole.testing.fake_registry import FakeRegistry, Scripted


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


AWAY = {
    "a bare 404": Scripted(status=404, body=b"<h1>Not Found</h1>"),
    "a 404 of another API": Scripted(status=404, body=b'{"error_code": 404, "message": "HTTP 404 Not Found"}'),
    "a server error": Scripted(status=500),
    "a bad gateway": Scripted(status=502, body=b"<html>"),
    "too many questions": Scripted(status=429),
    "a refused password": Scripted(status=401, body=b'{"message": "Unauthorized"}'),
    "a refused right": Scripted(status=403),
    "a redirect to a login": Scripted(status=302, location="http://127.0.0.1:9/login"),
    "a login page": Scripted(status=200, body=b"<form>"),
    "a list": Scripted(status=200, body=b"[]"),
    "an object of something else": Scripted(status=200, body=b'{"ok": true}'),
    "a schema that is no text": Scripted(status=200, body=b'{"schema": {"type": "record"}}'),
    "nothing": Scripted(status=200, body=b""),
    "a bomb of brackets": Scripted(status=404, body=b"[" * 200_000),
}


@pytest.mark.parametrize("answer", AWAY.values(), ids=AWAY)
async def test_it_counts_as_away(fake: FakeRegistry, answer: Scripted) -> None:
    fake.instead = answer
    async with connect(fake.url) as registry:
        with pytest.raises(RegistryUnavailableError):
            await registry.schema(7)


@pytest.mark.parametrize("identity", [b"true", b"-1", b'"7"', b"null", b"4294967296"])
async def test_an_id_that_is_none_is_not_taken_for_one(fake: FakeRegistry, identity: bytes) -> None:
    fake.instead = Scripted(status=200, body=b'{"id": ' + identity + b"}")
    async with connect(fake.url) as registry:
        with pytest.raises(RegistryUnavailableError):
            await registry.register("a.B", {"type": "record"})


REFUSED = {
    "a protobuf": {"schema": "syntax", "schemaType": "PROTOBUF"},
    "references": {"schema": "{}", "references": [{"name": "x", "subject": "y", "version": 1}]},
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
async def test_a_schema_of_another_kind_is_refused_for_good(fake: FakeRegistry, document) -> None:
    fake.instead = Scripted(status=200, body=json.dumps(document).encode())
    async with connect(fake.url) as registry:
        with pytest.raises(ContractError):
            await registry.schema(7)


async def test_an_answer_without_end_is_cut_and_refused(fake: FakeRegistry) -> None:
    fake.instead = Scripted(status=200, body=json.dumps({"schema": "x" * MOST_BYTES}).encode())
    async with connect(fake.url) as registry:
        with pytest.raises(ContractError, match="cannot be read"):
            await registry.schema(7)


async def test_the_password_goes_to_the_registry_and_into_no_error(fake: FakeRegistry) -> None:
    fake.instead = Scripted(status=401)
    async with connect(fake.url, username="mesh", password="hush-hush") as registry:
        with pytest.raises(RegistryUnavailableError) as refused:
            await registry.schema(7)
    assert "hush" not in str(refused.value)
    assert fake.authorised == ["Basic bWVzaDpodXNoLWh1c2g="]


@pytest.mark.parametrize("url", ["", "registry:8081", "ftp://registry", "file:///etc/passwd", "http://"])
async def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        async with connect(url):
            pass


async def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        async with connect("http://mesh:hush-hush@127.0.0.1:1"):
            pass
    assert "hush" not in str(refused.value)


async def test_a_subject_cannot_leave_its_place_in_the_path(fake: FakeRegistry) -> None:
    async with connect(fake.url + "/") as registry:
        assert isinstance(registry, Registry)
        await registry.demand_compatibility("../subjects/x?y#z")
    assert list(fake.levels) == ["../subjects/x?y#z"]
