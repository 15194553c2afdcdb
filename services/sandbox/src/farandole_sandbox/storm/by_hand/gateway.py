"""Gateway: one call for one order, as somebody writes it who has read the gateway's manual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The gateway's answer to an order: the fields of PaymentAuthorised, or of PaymentDeclined."""

    authorised: bool
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class NoAnswer:
    """The call failed; ``retry_after`` is how many seconds the gateway asked to be left alone, if it did."""

    retry_after: float = 0.0


class Gateway:
    """Asks for holds. The idempotency key is the order's event id, so asking again is safe."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def hold(self, order: dict[str, Any], *, key: str) -> Answer | NoAnswer:
        """Ask once. Raises RuntimeError at an answer that asking again cannot mend."""
        body = {name: order[name] for name in ("order_id", "currency", "payment_token")}
        body["amount_cents"] = order["total_cents"]
        try:
            response = await self._client.post("/gateway/holds", json=body, headers={"Idempotency-Key": key})
        except httpx2.TransportError:
            return NoAnswer()
        if response.status_code == 429 or response.is_server_error:
            return NoAnswer(retry_after=float(response.headers.get("retry-after", 0)))
        told = response.json()
        if response.status_code == 402:
            return Answer(authorised=False, fields={"order_id": order["order_id"], "reason": told["reason"]})
        if response.status_code != 201:
            raise RuntimeError(f"the gateway answered {response.status_code}")
        fields = {name: told[name] for name in ("hold_id", "amount_cents", "currency")}
        expires_at = datetime.fromisoformat(told["expires_at"])
        return Answer(authorised=True, fields={"order_id": order["order_id"], **fields, "expires_at": expires_at})
