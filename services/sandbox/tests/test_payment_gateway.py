"""The gateway holds, captures once, voids what was not captured, and refunds what was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("token", "reason"), [("tok_declined_1", "insufficient_funds"), ("tok_expired_1", "expired_card")]
)
async def test_a_declining_token_is_declined_with_its_reason(running: Any, token: str, reason: str) -> None:
    body = {"order_id": "order-1", "amount_cents": 1, "currency": "USD", "payment_token": token}
    response = await running.post("/gateway/holds", body)
    assert response.status_code == 402
    assert response.json() == {"error": "card_declined", "reason": reason}


async def test_a_hold_is_captured_once_whatever_the_key(running: Any) -> None:
    hold_id = await running.hold()
    first = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1000}, key="a")
    second = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1000}, key="b")
    assert first.status_code == 201
    assert second.status_code == 409
    assert second.json()["error"] == "already_captured"
    assert second.json()["capture_id"] == first.json()["capture_id"]
    assert len((await running.get("/books/orders/order-1"))["captures"]) == 1


async def test_a_voided_hold_is_not_captured(running: Any) -> None:
    hold_id = await running.hold()
    assert (await running.post(f"/gateway/holds/{hold_id}/void")).status_code == 200
    response = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1000})
    assert (response.status_code, response.json()["error"]) == (409, "hold_voided")


async def test_voiding_twice_under_two_keys_voids_once(running: Any) -> None:
    hold_id = await running.hold()
    first = await running.post(f"/gateway/holds/{hold_id}/void", key="a")
    second = await running.post(f"/gateway/holds/{hold_id}/void", key="b")
    assert first.json() == second.json()
    assert len((await running.get("/books/orders/order-1"))["voids"]) == 1


async def test_a_captured_hold_is_not_voided(running: Any) -> None:
    hold_id = await running.hold()
    await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1000})
    response = await running.post(f"/gateway/holds/{hold_id}/void")
    assert (response.status_code, response.json()["error"]) == (409, "already_captured")


async def test_a_hold_that_ran_out_is_not_captured(start: Any) -> None:
    async with start(sandbox_hold_lifetime=timedelta(hours=1)) as running:
        hold_id = await running.hold()
        running.clock.offset = timedelta(hours=1)
        response = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1000})
        assert (response.status_code, response.json()["error"]) == (409, "hold_expired")


async def test_a_capture_can_fail_though_the_hold_stood(running: Any) -> None:
    hold_id = await running.hold(token="tok_capture_fails_1")
    response = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1000})
    assert (response.status_code, response.json()["error"]) == (402, "capture_failed")


async def test_no_more_is_captured_than_was_held(running: Any) -> None:
    hold_id = await running.hold(cents=1000)
    response = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1001})
    assert (response.status_code, response.json()["error"]) == (409, "amount_too_large")


async def test_another_currency_is_refused(running: Any) -> None:
    hold_id = await running.hold()
    response = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 1, "currency": "EUR"})
    assert (response.status_code, response.json()["error"]) == (409, "wrong_currency")


async def test_parts_are_refunded_up_to_what_was_captured(running: Any) -> None:
    hold_id = await running.hold()
    captured = await running.post(f"/gateway/holds/{hold_id}/captures", {"amount_cents": 900})
    path = f"/gateway/captures/{captured.json()['capture_id']}/refunds"
    assert (await running.post(path, {"amount_cents": 400}, key="a")).status_code == 201
    assert (await running.post(path, {"amount_cents": 501}, key="b")).status_code == 409
    assert (await running.post(path, {"amount_cents": 500}, key="c")).status_code == 201


async def test_a_hold_can_be_looked_up_with_what_was_done_to_it(running: Any) -> None:
    hold_id = await running.hold()
    await running.post(f"/gateway/holds/{hold_id}/void")
    shown = await running.get(f"/gateway/holds/{hold_id}")
    assert shown["amount_cents"] == 1000
    assert [one["kind"] for one in shown["since"]] == ["void"]
    assert (await running.client.get("/gateway/holds/none")).status_code == 404


async def test_the_payment_token_stays_out_of_the_books(running: Any) -> None:
    await running.hold(token="tok_capture_fails_secret")
    assert "secret" not in (await running.client.get("/books")).text
