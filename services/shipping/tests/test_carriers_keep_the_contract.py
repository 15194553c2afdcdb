"""The fake carriers and the HTTP adapter, before the real sandbox, keep one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from farandole import Retry
from farandole.outside import OutsideAwayError, OutsideRefusedError, OutsideSystem
from farandole_sandbox.app import create_app
from farandole_sandbox.sandbox import open_sandbox
from farandole_sandbox.settings import Settings as SandboxSettings
from farandole_shipping.carrier import Carriers, Consignment
from farandole_shipping.carrier_http import HttpCarriers
from farandole_shipping.testing import CarriersContract, FakeCarriers
from farandole_shipping.testing.carriers_contract import packed
from pydantic import SecretStr

PARCELS = msgspec.structs.replace(packed("Speedy Express"), order_id="order-1", package_id="package-1")


@pytest.fixture
async def sandbox_client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    settings = SandboxSettings(
        home=tmp_path, webhook_secret=SecretStr("whsec_" + "c2VjcmV0" * 4), sandbox_latency=timedelta(0)
    )
    async with open_sandbox(settings) as sandbox:
        transport = httpx2.ASGITransport(create_app(sandbox), client=("127.0.0.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            yield client


@pytest.fixture
def over_http(sandbox_client: httpx2.AsyncClient) -> HttpCarriers:
    return HttpCarriers(OutsideSystem("the carrier", sandbox_client))


class TestTheFakeCarriers(CarriersContract):
    @pytest.fixture
    async def carriers(self) -> Carriers:
        return FakeCarriers()


class TestTheCarriersOverHttp(CarriersContract):
    @pytest.fixture
    async def carriers(self, over_http: HttpCarriers) -> Carriers:
        return over_http


async def hand_over(carriers: Carriers, **changes: Any) -> Consignment:
    parcels = msgspec.structs.replace(PARCELS, **changes)
    return await carriers.hand_over(parcels, idempotency_key=f"ship:{parcels.order_id}")


async def switch_on(client: httpx2.AsyncClient, kind: str, **fields: Any) -> None:
    answer = await client.post("/faults", json={"system": "carriers", "kind": kind, **fields})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("kind", ["outage", "error_ratio"])
async def test_a_carrier_that_fails_is_away(
    sandbox_client: httpx2.AsyncClient, over_http: HttpCarriers, kind: str
) -> None:
    await switch_on(sandbox_client, kind, count=1)
    with pytest.raises(OutsideAwayError):
        await hand_over(over_http)
    assert (await hand_over(over_http)).shipment_id


async def test_a_carrier_that_limits_says_when_to_ask_again(
    sandbox_client: httpx2.AsyncClient, over_http: HttpCarriers
) -> None:
    await switch_on(sandbox_client, "rate_limit", retry_after_seconds=3)
    with pytest.raises(Retry) as retry:
        await hand_over(over_http)
    assert retry.value.after == timedelta(seconds=3)


async def test_a_call_that_arrives_twice_takes_over_once(
    sandbox_client: httpx2.AsyncClient, over_http: HttpCarriers
) -> None:
    await switch_on(sandbox_client, "duplicate_answers")
    assert await hand_over(over_http) == await hand_over(over_http)
    assert (await sandbox_client.get("/books/doubles")).json() == {"doubles": []}


async def path_of(carrier: str) -> str:
    """Return the path at which the adapter asks, as it goes on the wire."""
    seen = []

    def note(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.raw_path.decode())
        return httpx2.Response(404)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(note), base_url="http://nowhere") as client:
        with pytest.raises(OutsideRefusedError):
            await hand_over(HttpCarriers(OutsideSystem("the carrier", client)), carrier=carrier)
    return "".join(seen)


@pytest.mark.parametrize(
    ("carrier", "part"),
    [
        ("Speedy Express", "Speedy%20Express"),
        ("a/b", "a%2Fb"),
        ("x?y=z#w", "x%3Fy%3Dz%23w"),
        ("%2e%2e", "%252e%252e"),
        ("a\r\nHost: b", "a%0D%0AHost%3A%20b"),
        ("a\x00", "a%00"),
        ("Fähre", "F%C3%A4hre"),
        ("..x", "..x"),
    ],
)
async def test_a_carriers_name_is_one_part_of_the_path(carrier: str, part: str) -> None:
    assert await path_of(carrier) == f"/carriers/{part}/shipments"


@pytest.mark.parametrize("carrier", ["", ".", "..", "../gateway", "a/../b", "..\\gateway", "/a", "a/"])
async def test_a_name_that_leads_to_another_path_is_not_even_sent(carrier: str) -> None:
    assert await path_of(carrier) == ""


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b'{"shipment_id": "", "tracking_number": "T", "dispatched_at": "2026-01-02T00:00:00Z"}',
        b'{"shipment_id": "s", "tracking_number": "T", "dispatched_at": "2026-01-02T00:00:00"}',
    ],
    ids=["a page", "nothing", "no number", "a moment without a zone"],
)
async def test_a_stranger_at_the_address_is_refused_in_words(body: bytes) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(201, content=body))
    async with httpx2.AsyncClient(transport=transport, base_url="http://nowhere") as client:
        with pytest.raises(OutsideRefusedError, match="something else than it should"):
            await hand_over(HttpCarriers(OutsideSystem("the carrier", client)))
