"""The same key and the same body get the same answer, and the work is done once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

HOLD = {"order_id": "order-1", "amount_cents": 1000, "currency": "USD", "payment_token": "tok_good"}


async def holds_of(running: Any, order_id: str = "order-1") -> list[Any]:
    return list((await running.get(f"/books/orders/{order_id}"))["holds"])


async def test_the_same_key_and_body_get_the_same_answer_and_one_effect(running: Any) -> None:
    first = await running.post("/gateway/holds", HOLD)
    second = await running.post("/gateway/holds", HOLD)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotent-replay" not in first.headers
    assert second.headers["idempotent-replay"] == "true"
    assert len(await holds_of(running)) == 1


async def test_the_order_of_the_fields_does_not_make_another_question(running: Any) -> None:
    await running.post("/gateway/holds", HOLD)
    turned = await running.post("/gateway/holds", dict(reversed(HOLD.items())))
    assert turned.headers["idempotent-replay"] == "true"


async def test_the_same_key_with_another_body_is_refused(running: Any) -> None:
    await running.post("/gateway/holds", HOLD)
    other = await running.post("/gateway/holds", HOLD | {"amount_cents": 1001})
    assert other.status_code == 422
    assert other.json()["error"] == "key_reused"
    assert [one["amount_cents"] for one in await holds_of(running)] == [1000]


async def test_a_refusal_is_remembered_like_any_answer(running: Any) -> None:
    declined = HOLD | {"payment_token": "tok_declined"}
    first = await running.post("/gateway/holds", declined)
    second = await running.post("/gateway/holds", declined)
    assert (first.status_code, second.status_code) == (402, 402)
    assert second.headers["idempotent-replay"] == "true"


async def test_not_found_is_not_remembered_because_it_may_come(running: Any) -> None:
    hold_id = "hold_that_is_not"
    assert (await running.post(f"/gateway/holds/{hold_id}/void")).status_code == 404
    again = await running.post(f"/gateway/holds/{hold_id}/void")
    assert again.status_code == 404
    assert "idempotent-replay" not in again.headers


async def test_a_key_belongs_to_a_path(running: Any) -> None:
    hold_id = await running.hold()
    captured = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1000}, key="event-1")
    refunded = await running.post(
        f"/gateway/captures/{captured.json()['capture_id']}/refunds", {"amount_cents": 1000}, key="event-1"
    )
    assert (captured.status_code, refunded.status_code) == (201, 201)


async def test_calls_with_one_key_at_once_do_the_work_once(running: Any) -> None:
    answers = await asyncio.gather(*(running.post("/gateway/holds", HOLD) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert len(await holds_of(running)) == 1


async def test_a_replay_finds_its_answer_after_a_restart(start: Any) -> None:
    async with start() as before:
        first = await before.post("/gateway/holds", HOLD)
    async with start() as after:
        second = await after.post("/gateway/holds", HOLD)
        assert second.content == first.content
        assert second.headers["idempotent-replay"] == "true"


async def test_without_a_key_nothing_is_done(running: Any) -> None:
    response = await running.client.post("/gateway/holds", json=HOLD)
    assert response.status_code == 400
    assert response.json()["error"] == "key_missing"
    assert (await running.get("/books/summary"))["counts"]["holds"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (HOLD | {"amount_cents": 0}, "amount_cents"),
        (HOLD | {"amount_cents": 10.5}, "amount_cents"),
        (HOLD | {"amount_cents": "10"}, "amount_cents"),
        (HOLD | {"currency": "usd"}, "currency"),
        (HOLD | {"order_id": ""}, "order_id"),
        ({"order_id": "order-1"}, "amount_cents"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_by_the_name_of_the_field(
    running: Any, body: dict[str, Any], field: str
) -> None:
    response = await running.post("/gateway/holds", body)
    assert response.status_code == 400
    assert field in response.json()["reason"]


@pytest.mark.parametrize(
    "raw", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"amount_cents": 1e999}', b'{"a":' + b"9" * 5000 + b"}"]
)
async def test_hostile_bytes_are_refused_and_the_sandbox_stays(running: Any, raw: bytes) -> None:
    headers = {"idempotency-key": "k", "content-type": "application/json"}
    response = await running.client.post("/gateway/holds", content=raw, headers=headers)
    assert response.status_code == 400
    assert (await running.post("/gateway/holds", HOLD)).status_code == 201


async def test_a_body_that_is_too_large_is_refused(running: Any) -> None:
    headers = {"idempotency-key": "k", "content-type": "application/json"}
    response = await running.client.post("/gateway/holds", content=b" " * 300_000, headers=headers)
    assert response.status_code == 413


async def test_a_body_that_is_not_json_by_its_header_is_refused(running: Any) -> None:
    headers = {"idempotency-key": "k", "content-type": "text/plain"}
    response = await running.client.post("/gateway/holds", content=b"{}", headers=headers)
    assert response.status_code == 415
