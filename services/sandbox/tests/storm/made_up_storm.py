"""Made-up storm: records, holds and calls as Kafka and the gateway's books would show them."""

from __future__ import annotations

from typing import Any

from farandole_sandbox.demo.books import Effect
from farandole_sandbox.demo.record import Record


def answer(order_id: str, *, event_id: str | None = None, kind: str = "PaymentAuthorised", at: float = 100.0) -> Record:
    return Record(
        id=event_id or f"answer-{order_id}",
        type=kind,
        fullname=f"farandole.payments.{kind}",
        topic="payments",
        source="payments",
        time="",
        flow="",
        causes=(),
        appended=at,
        fields={"order_id": order_id},
    )


def dead_letter(order_id: str) -> Record:
    return answer(order_id, event_id=f"placed-{order_id}", kind="OrderPlaced")


def hold(order_id: str, number: int = 1) -> Effect:
    return Effect(id=f"hold_{order_id}_{number}", kind="hold", once=f"hold:{order_id}", order_id=order_id)


def calls(second: int, status: int, count: int, system: str = "gateway") -> dict[str, Any]:
    return {"second": second, "system": system, "status": status, "count": count}
