"""A shortage becomes one purchase order, and its goods one event, whatever is repeated, lost or reordered."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import msgspec
import pytest
from farandole import webhooks
from farandole.errors import StartError
from farandole.testing import Harness
from farandole.testing.postgres import PostgreSQLServer
from farandole_events import GoodsReceived, PurchaseOrderSent, StockLow
from farandole_suppliers.portal import SupplierPortal
from farandole_suppliers.service import service
from farandole_suppliers.settings import SuppliersSettings
from farandole_suppliers.testing import FakePortal
from farandole_suppliers.testing.fake_portal import EXPECTED, LOST_ANSWER, OUTAGE
from pydantic import SecretStr

SECRET = b"a-secret-of-more-than-16-bytes"
ARRIVAL = datetime(2026, 1, 1, 12, tzinfo=UTC)


def low(shortage_id: str = "shortage-1", *, product_id: str = "chai", wanted: int = 120) -> StockLow:
    return StockLow(
        product_id=product_id,
        product_name="Chai",
        supplier_id="exotic",
        available=3,
        reorder_level=10,
        wanted=wanted,
        shortage_id=shortage_id,
    )


@pytest.fixture
def portal() -> FakePortal:
    return FakePortal()


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'suppliers.db'}"
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    return server.database(f"suppliers_{uuid.uuid4().hex}")


@pytest.fixture
async def suppliers(portal: FakePortal, database_url: str) -> AsyncIterator[Harness]:
    settings = SuppliersSettings(webhook_secret=SecretStr(SECRET.decode()))
    async with Harness(
        service, provide={SupplierPortal: portal, SuppliersSettings: settings}, database_url=database_url
    ) as harness:
        yield harness


async def send(
    suppliers: Harness,
    sender_id: str = "wh-1",
    *,
    purchase_order_id: str = "po_1",
    secret: bytes = SECRET,
    body: bytes | None = None,
    **fields: object,
) -> httpx2.Response:
    said = {"purchase_order_id": purchase_order_id, "product_id": "chai", "quantity": 120, "at": ARRIVAL, **fields}
    body = msgspec.json.encode(said) if body is None else body
    headers = webhooks.sign(body, secret=secret, id=sender_id, at=suppliers.clock.now())
    answer = await suppliers.http.post("/webhooks/goods", content=body, headers=headers)
    await suppliers.settle()
    return answer


async def test_a_shortage_becomes_a_purchase_order(suppliers: Harness, portal: FakePortal) -> None:
    await suppliers.deliver(low())

    assert portal.taken == {"po_1": ("exotic", "chai", 120, "shortage-1")}
    assert suppliers.events(PurchaseOrderSent) == [
        PurchaseOrderSent(
            product_id="chai",
            purchase_order_id="po_1",
            supplier_id="exotic",
            quantity=120,
            shortage_id="shortage-1",
            expected_at=EXPECTED,
        )
    ]


async def test_a_shortage_that_is_told_twice_is_ordered_once(suppliers: Harness, portal: FakePortal) -> None:
    (record,) = await suppliers.deliver(low())
    await suppliers.redeliver(record)
    await suppliers.deliver(low())
    assert len(portal.calls) == 1
    assert len(suppliers.events(PurchaseOrderSent)) == 1


async def test_a_product_has_one_open_purchase_order(suppliers: Harness, portal: FakePortal) -> None:
    for shortage in (low("shortage-1"), low("shortage-2"), low("shortage-3", product_id="chang")):
        await suppliers.deliver(shortage)
    assert [shortage for _, _, _, shortage in portal.taken.values()] == ["shortage-1", "shortage-3"]

    await send(suppliers)
    await suppliers.deliver(low("shortage-4"))
    assert [shortage for _, _, _, shortage in portal.taken.values()] == ["shortage-1", "shortage-3", "shortage-4"]


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER])
async def test_a_supplier_that_does_not_answer_is_asked_again_with_the_same_key(
    suppliers: Harness, portal: FakePortal, fault: str
) -> None:
    portal.faults.extend([fault, fault])
    await suppliers.deliver(low())
    await suppliers.advance(timedelta(minutes=1))

    assert len(portal.calls) == 3
    assert list(portal.taken) == ["po_1"]
    assert len(suppliers.events(PurchaseOrderSent)) == 1
    assert suppliers.dead_letters == []


async def test_a_shortage_of_nothing_is_a_dead_letter(suppliers: Harness, portal: FakePortal) -> None:
    await suppliers.deliver(low(wanted=0))
    assert len(suppliers.dead_letters) == 1
    assert portal.calls == []


async def test_goods_continue_the_flow_of_the_shortage(suppliers: Harness) -> None:
    await suppliers.deliver(low(), flow="flow-1")
    answer = await send(suppliers)
    assert answer.status_code == 202

    sent, goods = sorted(suppliers.published, key=lambda one: isinstance(one.event, GoodsReceived))
    assert goods.event == GoodsReceived(
        product_id="chai", purchase_order_id="po_1", supplier_id="exotic", quantity=120, received_at=ARRIVAL
    )
    assert goods.envelope.correlation_id == "flow-1"
    assert goods.envelope.causation_id == sent.envelope.id


async def test_a_webhook_that_is_sent_again_is_answered_and_tells_nothing_new(suppliers: Harness) -> None:
    await suppliers.deliver(low())
    answers = [await send(suppliers, sender_id) for sender_id in ("wh-1", "wh-1", "wh-2")]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert len(suppliers.events(GoodsReceived)) == 1


async def test_goods_that_are_faster_than_our_own_commit_are_sent_again(suppliers: Harness) -> None:
    assert (await send(suppliers)).status_code == 404
    assert suppliers.events(GoodsReceived) == []

    await suppliers.deliver(low())
    assert (await send(suppliers)).status_code == 202
    assert len(suppliers.events(GoodsReceived)) == 1


async def test_fewer_goods_than_ordered_are_told_as_they_are(suppliers: Harness) -> None:
    await suppliers.deliver(low())
    await send(suppliers, quantity=7)
    assert [goods.quantity for goods in suppliers.events(GoodsReceived)] == [7]


async def test_a_message_that_nobody_signed_is_refused(suppliers: Harness) -> None:
    await suppliers.deliver(low())
    assert (await send(suppliers, secret=b"another secret, long enough")).status_code == 401
    assert (await suppliers.http.post("/webhooks/goods", content=b"{}")).status_code == 401
    assert suppliers.events(GoodsReceived) == []


async def test_a_message_that_was_signed_long_ago_is_refused(suppliers: Harness) -> None:
    await suppliers.deliver(low())
    body = b"{}"
    headers = webhooks.sign(body, secret=SECRET, id="wh-1", at=suppliers.clock.now() - timedelta(minutes=6))
    assert (await suppliers.http.post("/webhooks/goods", content=body, headers=headers)).status_code == 401


async def test_a_message_id_that_brought_other_goods_before_is_refused_not_lost(suppliers: Harness) -> None:
    await suppliers.deliver(low())
    await suppliers.deliver(low(shortage_id="shortage-2", product_id="chang"))
    assert (await send(suppliers, "wh-1")).status_code == 202
    assert (await send(suppliers, "wh-1", purchase_order_id="po_2", product_id="chang")).status_code == 409
    assert (await send(suppliers, "wh-2", purchase_order_id="po_2", product_id="chang")).status_code == 202
    assert len(suppliers.events(GoodsReceived)) == 2


async def test_goods_of_another_product_contradict_the_purchase_order(suppliers: Harness) -> None:
    await suppliers.deliver(low())
    assert (await send(suppliers, product_id="chang")).status_code == 409
    assert suppliers.events(GoodsReceived) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"\xff", b'{"purchase_order_id": 1}', b'{"x": ' + b"[" * 60_000 + b"]" * 2],
    ids=["nothing", "a list", "no text", "a number", "an abyss"],
)
async def test_a_signed_message_that_makes_no_sense_is_refused_in_words(suppliers: Harness, body: bytes) -> None:
    answer = await send(suppliers, body=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "bad_request"


@pytest.mark.parametrize("field", ["purchase_order_id", "product_id"])
async def test_a_message_that_no_database_could_keep_is_refused_with_its_field(suppliers: Harness, field: str) -> None:
    await suppliers.deliver(low())
    answer = await send(suppliers, **{field: "po\x00"})
    assert answer.status_code == 400
    assert f"$.{field}" in answer.json()["reason"]
    assert suppliers.events(GoodsReceived) == []


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z"])
async def test_a_moment_at_the_edge_of_time_is_told_or_refused_but_never_fails(suppliers: Harness, at: str) -> None:
    await suppliers.deliver(low())
    assert (await send(suppliers, at=at)).status_code in {202, 400}


@pytest.mark.parametrize("quantity", [0, -1, 2**31, "many"])
async def test_goods_that_cannot_be_counted_are_refused(suppliers: Harness, quantity: object) -> None:
    await suppliers.deliver(low())
    assert (await send(suppliers, quantity=quantity)).status_code == 400
    assert suppliers.events(GoodsReceived) == []


async def test_a_message_that_is_too_large_is_refused(suppliers: Harness) -> None:
    assert (await send(suppliers, body=b"x" * (64 * 1024 + 1))).status_code == 413


async def test_purchase_orders_are_told_a_page_at_a_time(suppliers: Harness) -> None:
    await suppliers.deliver(low("s-1"), low("s-2", product_id="chang"), low("s-3", product_id="tofu"))
    first = (await suppliers.http.get("/purchase-orders", params={"limit": 2})).json()
    rest = (await suppliers.http.get("/purchase-orders", params={"after": first["next"]})).json()
    assert [one["shortage_id"] for one in first["purchase_orders"]] == ["s-1", "s-2"]
    assert [(one["shortage_id"], one["state"]) for one in rest["purchase_orders"]] == [("s-3", "sent")]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=1001", "limit=ten", "limit=%C2%B2", "limit=", "after=%00"]
)
async def test_a_page_that_is_none_is_refused_in_words(suppliers: Harness, query: str) -> None:
    answer = await suppliers.http.get(f"/purchase-orders?{query}")
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(("limit", "after"))


async def test_without_a_secret_the_service_does_not_start(portal: FakePortal) -> None:
    settings = SuppliersSettings(webhook_secret=SecretStr(""))
    with pytest.raises(StartError, match="no webhook secret"):
        async with Harness(service, provide={SupplierPortal: portal, SuppliersSettings: settings}):
            pass
