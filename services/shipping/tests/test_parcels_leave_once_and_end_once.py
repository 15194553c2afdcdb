"""Shipping hands packed orders to carriers, and turns the carriers' webhooks into events.

A carrier's webhook may come twice, come before our own row is committed, be forged, or contradict an earlier one. Each
order is handed over once, and ends once: delivered or returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx2
import msgspec
import pytest
from farandole.errors import StartError
from farandole.testing import Harness
from farandole.webhooks import sign
from farandole_events import (
    Address,
    OrderPacked,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentReturned,
    StockLine,
)
from farandole_shipping.carrier import Carriers
from farandole_shipping.service import service
from farandole_shipping.settings import ShippingSettings
from farandole_shipping.testing import FakeCarriers
from farandole_shipping.testing.fake_carriers import LOST_ANSWER, OUTAGE
from pydantic import SecretStr
from structlog.testing import capture_logs

SECRET = "a-secret-of-enough-bytes-for-a-test"
SETTINGS = ShippingSettings(webhook_secret=SecretStr(SECRET))
MOST = 64 * 1024


def packed(order_id: str = "o-1", package_id: str = "p-1") -> OrderPacked:
    return OrderPacked(
        order_id=order_id,
        package_id=package_id,
        parcels=2,
        weight_grams=1200,
        lines=(StockLine(product_id="11", quantity=12),),
        ship_to=Address(name="Toms Spezialitäten", street="Luisenstr. 48", city="Münster", country="Germany"),
        carrier="Speedy Express",
        customer_id="TOMSP",
    )


@pytest.fixture
def carriers() -> FakeCarriers:
    return FakeCarriers()


@pytest.fixture
async def replicas(carriers: FakeCarriers, database_url: str) -> AsyncIterator[tuple[Harness, Harness]]:
    provided = {Carriers: carriers, ShippingSettings: SETTINGS}
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(Harness(service, provide=provided, database_url=database_url))
            for _ in range(2)
        ]
        yield first, second


@pytest.fixture
def shipping(replicas: tuple[Harness, Harness]) -> Harness:
    return replicas[0]


async def send(
    shipping: Harness, sender_id: str = "m-1", *, secret: str = SECRET, content: bytes | None = None, **changes: object
) -> httpx2.Response:
    """Send a carrier's webhook."""
    said = {"order_id": "o-1", "shipment_id": "s-1", "type": "delivered", "at": "2026-01-03T12:00:00.000Z", **changes}
    body = msgspec.json.encode(said) if content is None else content
    headers = sign(body, secret=secret.encode(), id=sender_id, at=shipping.clock.now())
    answer = await shipping.http.post("/webhooks/carrier", content=body, headers=headers)
    await shipping.settle()
    return answer


def ends(*replicas: Harness) -> list[str]:
    """Name the orders of which an end was told, each event once as every consumer sees it."""
    seen = {
        one.envelope.id: one.event.key
        for replica in replicas
        for one in replica.published
        if isinstance(one.event, ShipmentDelivered | ShipmentReturned)
    }
    return sorted(seen.values())


async def test_a_packed_order_is_handed_over_and_told_of(shipping: Harness, carriers: FakeCarriers) -> None:
    await shipping.deliver(packed())
    (dispatched,) = shipping.events(ShipmentDispatched)
    assert (dispatched.order_id, dispatched.shipment_id, dispatched.carrier) == ("o-1", "s-1", "Speedy Express")
    assert carriers.taken == {"s-1": packed()}


async def test_an_order_that_is_packed_twice_is_handed_over_and_told_of_once(
    shipping: Harness, carriers: FakeCarriers
) -> None:
    await shipping.deliver(packed())
    await shipping.deliver(packed())
    assert carriers.calls == ["o-1"], "a carrier may have forgotten the key: it is not asked again"
    assert len(shipping.events(ShipmentDispatched)) == 1


async def test_an_order_that_is_packed_in_another_package_is_for_people_to_look_at(
    shipping: Harness, carriers: FakeCarriers
) -> None:
    await shipping.deliver(packed())
    await shipping.deliver(packed(package_id="p-2"))
    assert carriers.calls == ["o-1"]
    assert len(shipping.dead_letters) == 1


async def test_two_replicas_that_hear_of_one_order_at_once_tell_of_it_once(
    replicas: tuple[Harness, Harness], carriers: FakeCarriers
) -> None:
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    carriers.before = meet
    await asyncio.gather(*(replica.deliver(packed()) for replica in replicas))
    assert len(carriers.calls) == 2
    assert list(carriers.taken) == ["s-1"]
    assert sum(len(replica.events(ShipmentDispatched)) for replica in replicas) == 1
    assert [replica.dead_letters for replica in replicas] == [[], []]


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER])
async def test_a_carrier_that_does_not_answer_is_asked_again_with_the_same_key(
    shipping: Harness, carriers: FakeCarriers, fault: str
) -> None:
    carriers.faults.extend([fault, fault])
    await shipping.deliver(packed())
    await shipping.advance(timedelta(minutes=2))
    assert len(carriers.calls) == 3
    assert list(carriers.taken) == ["s-1"]
    assert len(shipping.events(ShipmentDispatched)) == 1


async def test_a_delivery_continues_the_flow_of_its_order(shipping: Harness) -> None:
    await shipping.deliver(packed(), flow="flow-1")
    assert (await send(shipping)).status_code == 202
    dispatched, delivered = sorted(shipping.published, key=lambda one: isinstance(one.event, ShipmentDelivered))
    assert delivered.event == ShipmentDelivered(
        order_id="o-1", shipment_id="s-1", tracking_number="T1", delivered_at=datetime(2026, 1, 3, 12, tzinfo=UTC)
    )
    assert delivered.envelope.correlation_id == "flow-1"
    assert delivered.envelope.causation_id == dispatched.envelope.id


async def test_a_return_becomes_an_event_with_its_reason(shipping: Harness) -> None:
    await shipping.deliver(packed())
    await send(shipping, type="returned", reason="nobody there")
    assert [returned.reason for returned in shipping.events(ShipmentReturned)] == ["nobody there"]


async def test_a_webhook_that_comes_again_is_answered_and_tells_nothing_new(shipping: Harness) -> None:
    await shipping.deliver(packed())
    answers = [await send(shipping, sender_id) for sender_id in ("m-1", "m-1", "m-2")]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert ends(shipping) == ["o-1"]


@pytest.mark.parametrize("sender_ids", [("m", "m"), ("m", "n")], ids=["one message", "two messages"])
async def test_a_webhook_that_reaches_two_replicas_at_once_is_one_event(
    replicas: tuple[Harness, Harness], sender_ids: tuple[str, str]
) -> None:
    orders = [f"o-{number}" for number in range(1, 9)]
    await replicas[0].deliver(*(packed(order) for order in orders))
    shipments = {one.order_id: one.shipment_id for one in replicas[0].events(ShipmentDispatched)}
    kinds = {"m": "delivered", "n": "returned"}
    answers = await asyncio.gather(
        *(
            send(replica, f"{sender}-{order}", order_id=order, shipment_id=shipment, type=kinds[sender])
            for order, shipment in shipments.items()
            for replica, sender in zip(replicas, sender_ids, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [202] * 8
    for replica in replicas:
        await replica.advance(timedelta(seconds=5))
    assert ends(*replicas) == orders


async def test_a_carrier_that_contradicts_itself_is_named_and_its_first_word_counts(shipping: Harness) -> None:
    await shipping.deliver(packed())
    await send(shipping, "m-1")
    with capture_logs() as logs:
        answer = await send(shipping, "m-2", type="returned")
    assert answer.status_code == 200
    assert shipping.events(ShipmentReturned) == []
    assert [(one["first"], one["now"]) for one in logs if "first word" in one["event"]] == [("delivered", "returned")]


async def test_an_id_that_came_with_another_shipment_is_refused_and_not_dropped(shipping: Harness) -> None:
    await shipping.deliver(packed("o-1"))
    await shipping.deliver(packed("o-2"))
    assert (await send(shipping, "m-1")).status_code == 202
    assert (await send(shipping, "m-1", order_id="o-2", shipment_id="s-2")).status_code == 409
    assert (await send(shipping, "m-2", order_id="o-2", shipment_id="s-2")).status_code == 202
    assert ends(shipping) == ["o-1", "o-2"]


async def test_a_webhook_that_is_faster_than_our_own_commit_is_sent_again(
    replicas: tuple[Harness, Harness], carriers: FakeCarriers
) -> None:
    first, second = replicas
    carriers.faults.append(LOST_ANSWER)
    await first.deliver(packed())
    assert list(carriers.taken) == ["s-1"], "the carrier has the parcels, and we do not know it yet"
    assert (await send(second)).status_code == 404
    assert ends(first, second) == []

    await first.advance(timedelta(minutes=1))
    assert (await send(second)).status_code == 202
    assert ends(first, second) == ["o-1"]


@pytest.mark.parametrize("changes", [{"order_id": "o-2"}, {"shipment_id": "s-9"}])
async def test_a_webhook_about_somebody_elses_shipment_is_not_taken(
    shipping: Harness, changes: dict[str, object]
) -> None:
    await shipping.deliver(packed())
    assert (await send(shipping, **changes)).status_code == 404
    assert ends(shipping) == []


async def test_a_message_that_nobody_signed_is_refused(shipping: Harness) -> None:
    await shipping.deliver(packed())
    assert (await send(shipping, secret="some-other-secret-of-enough-bytes")).status_code == 401
    assert (await shipping.http.post("/webhooks/carrier", content=b"{}")).status_code == 401
    assert ends(shipping) == []


async def test_a_message_that_was_signed_long_ago_is_refused(shipping: Harness) -> None:
    headers = sign(b"{}", secret=SECRET.encode(), id="m-1", at=shipping.clock.now() - timedelta(minutes=6))
    assert (await shipping.http.post("/webhooks/carrier", content=b"{}", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "eaten"),
        ("at", "2026-01-03T12:00:00"),
        ("at", "yesterday"),
        ("order_id", ""),
        ("order_id", "o\x00"),
        ("shipment_id", 1),
        ("reason", "\x00"),
    ],
)
async def test_a_signed_message_that_makes_no_sense_is_refused_with_its_field(
    shipping: Harness, field: str, value: object
) -> None:
    await shipping.deliver(packed())
    answer = await send(shipping, **{field: value})
    assert answer.status_code == 400
    assert f"$.{field}" in answer.json()["reason"]
    assert ends(shipping) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff", b'{"order_id": "\\ud800"}', b'{"x": ' + b"[" * 60_000 + b"]" * 2, b'{"x": 1e999}'],
    ids=["nothing", "a list", "no text", "half a letter", "an abyss", "a number"],
)
async def test_a_signed_message_that_is_no_message_is_refused(shipping: Harness, content: bytes) -> None:
    answer = await send(shipping, content=content)
    assert answer.status_code == 400
    assert answer.json()["error"] == "bad_request"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z"])
async def test_a_moment_at_the_edge_of_time_is_told_or_refused_but_never_fails(shipping: Harness, at: str) -> None:
    await shipping.deliver(packed())
    assert (await send(shipping, at=at)).status_code in {202, 400}


@pytest.mark.parametrize("length", ["a true header", "no header", "a lie", "nonsense"])
async def test_a_message_that_is_too_large_is_refused_whatever_its_header_says(shipping: Harness, length: str) -> None:
    body = b"x" * (MOST + 1)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    headers = {
        "a true header": {},
        "no header": {},
        "a lie": {"content-length": "2"},
        "nonsense": {"content-length": "x"},
    }
    content = body if length == "a true header" else chunks()
    answer = await shipping.http.post("/webhooks/carrier", content=content, headers=headers[length])
    assert answer.status_code == 413


async def test_shipments_are_listed_a_page_at_a_time(shipping: Harness) -> None:
    for order in ("o-1", "o-2", "o-3"):
        await shipping.deliver(packed(order))
    await send(shipping)
    first = (await shipping.http.get("/shipments", params={"limit": 2})).json()
    rest = (await shipping.http.get("/shipments", params={"limit": 2, "after": first["next"]})).json()
    assert [(one["order_id"], one["end"]) for one in first["shipments"]] == [("o-1", "delivered"), ("o-2", None)]
    assert [one["order_id"] for one in rest["shipments"]] == ["o-3"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=1001", "limit=ten", "limit=%C2%B2", "limit=", "after=%00"]
)
async def test_a_page_that_is_none_is_refused_in_words(shipping: Harness, query: str) -> None:
    answer = await shipping.http.get(f"/shipments?{query}")
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(("limit", "after"))


async def test_without_a_secret_the_service_does_not_start(carriers: FakeCarriers) -> None:
    settings = ShippingSettings(webhook_secret=SecretStr(""))
    with pytest.raises(StartError, match="no webhook secret"):
        async with Harness(service, provide={Carriers: carriers, ShippingSettings: settings}):
            pass
