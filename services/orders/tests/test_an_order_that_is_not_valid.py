"""Whatever is wrong with an order is said field by field, as problem+json, and nothing of it is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from farandole.testing import Harness
from farandole_events import OrderPlaced
from farandole_orders.request import OrderRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Spoil = Callable[[dict[str, Any]], Any]

_LINE = {"product_id": "11", "product_name": "x", "quantity": 1, "unit_price_cents": 1}
SPOILT: list[tuple[str, Spoil]] = [
    ("reference", lambda b: b.pop("reference")),
    ("reference", lambda b: b.update(reference="")),
    ("reference", lambda b: b.update(reference=10248)),
    ("customer_id", lambda b: b.update(customer_id="x" * 65)),
    ("customer_id", lambda b: b.update(customer_id="nul\x00")),
    ("order_date", lambda b: b.update(order_date="yesterday")),
    ("order_date", lambda b: b.update(order_date=836438400)),
    ("order_date", lambda b: b.update(order_date="0001-01-01T00:00:00+14:00")),
    ("required_date", lambda b: b.update(required_date="9999-12-31T23:59:59-12:00")),
    ("lines", lambda b: b.update(lines=[])),
    ("lines", lambda b: b.update(lines={})),
    ("lines", lambda b: b.update(lines=[_LINE, _LINE])),
    ("lines", lambda b: b.update(lines=[{**_LINE, "product_id": str(n)} for n in range(501)])),
    ("lines[0].quantity", lambda b: b.update(lines=[{**_LINE, "quantity": 0}])),
    ("lines[1].quantity", lambda b: b["lines"][1].update(quantity=0)),
    ("lines[1].quantity", lambda b: b["lines"][1].update(quantity="3")),
    ("lines[1].quantity", lambda b: b["lines"][1].update(quantity=3.0)),
    ("lines[1].quantity", lambda b: b["lines"][1].update(quantity=True)),
    ("lines[1].quantity", lambda b: b["lines"][1].update(quantity=10**30)),
    ("lines[0].unit_price_cents", lambda b: b["lines"][0].update(unit_price_cents=-1)),
    ("lines[0].discount_basis_points", lambda b: b["lines"][0].update(discount_basis_points=10_001)),
    ("lines[0].discount", lambda b: b["lines"][0].update(discount=0.15)),
    ("freight_cents", lambda b: b.update(freight_cents=-1)),
    ("currency", lambda b: b.update(currency="EUR")),
    ("ship_to", lambda b: b.update(ship_to=None)),
    ("ship_to.city", lambda b: b["ship_to"].pop("city")),
    ("ship_to.country", lambda b: b["ship_to"].update(country=" ")),
    ("carrier", lambda b: b.update(carrier=3)),
    ("payment_token", lambda b: b.update(payment_token="4111 1111 1111 1111")),
    ("total_cents", lambda b: b.update(total_cents=1)),
]


@pytest.mark.parametrize(("field", "spoil"), SPOILT)
async def test_the_field_that_is_wrong_is_named(
    harness: Harness, shop: Any, body: dict[str, Any], field: str, spoil: Spoil
):
    spoil(body)
    answer = await shop.order(body)
    await harness.settle()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == "urn:farandole:problem:invalid-request"
    assert [(error["in"], error["field"]) for error in told["errors"]] == [("body", field)]
    assert told["errors"][0]["message"]
    assert harness.events(OrderPlaced) == []


async def test_every_field_that_is_wrong_is_named_at_once(shop: Any, body: dict[str, Any]):
    body["lines"][0]["quantity"] = 0
    body["currency"] = "EUR"
    del body["ship_to"]["street"]
    answer = await shop.order(body)
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"lines[0].quantity", "currency", "ship_to.street"}


async def test_what_was_sent_is_not_repeated_in_the_answer(shop: Any, body: dict[str, Any]):
    body["payment_token"] = "4111111111111111"
    assert "4111" not in (await shop.order(body)).text


HOSTILE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"reference": NaN}',
    b"9" * 5_000,
    rb'{"\ud800": "\ud800"}',
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_body_that_is_no_order_is_the_clients_mistake(shop: Any, content: bytes):
    headers = {"Idempotency-Key": "a", "Content-Type": "application/json"}
    answer = await shop.http.post("/orders", content=content, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_does_not_say_that_it_is_json_is_refused(shop: Any, body: dict[str, Any]):
    headers = {"Idempotency-Key": "a", "Content-Type": "text/plain"}
    answer = await shop.http.post("/orders", content=json.dumps(body), headers=headers)
    assert answer.status_code == 422


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_value_in_any_field_is_the_services_mistake(data: st.DataObject, harness: Harness):
    body = json.loads(json.dumps(_example()))
    holder: Any = data.draw(st.sampled_from([body, body["lines"][0], body["ship_to"]]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(_JSON)
    content = json.dumps(body)
    headers = {"Idempotency-Key": str(hash(content)), "Content-Type": "application/json"}
    answer = await harness.http.post("/orders", content=content, headers=headers)
    assert answer.status_code in {202, 400, 422}, answer.text


def _example() -> Any:
    extra = OrderRequest.model_config["json_schema_extra"]
    assert isinstance(extra, dict)
    return extra["example"]
