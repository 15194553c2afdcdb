"""Owed: the webhook that follows a call, some time later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from farandole_sandbox.answer import Call, Webhook, written
from farandole_sandbox.faults import FaultKind, draw
from farandole_sandbox.settings import Settings


def due_after(call: Call, delay: timedelta, settings: Settings) -> datetime:
    """Return when the webhook is due: after ``delay``, more or less by the jitter, the same in every run of a seed."""
    off = settings.sandbox_delay_jitter * (2 * draw(settings.sandbox_seed, call.id("due")) - 1)
    return call.now + max(timedelta(0), delay + off)


def webhook(
    call: Call, *, receiver: str, effect: str, due: datetime, order_id: str | None = None, **fields: Any
) -> Webhook:
    """Return the webhook of this call; its body holds the sender's id, the moment it tells of, and ``fields``."""
    webhook_id = call.id("wh")
    told = {"order_id": order_id} if order_id is not None else {}
    return Webhook(
        id=webhook_id,
        receiver=receiver,
        order_id=order_id,
        effect=effect,
        body=msgspec.json.encode({"id": webhook_id, **told, **fields, "at": written(due)}),
        due=due,
        wanted=2 if FaultKind.DUPLICATE_WEBHOOKS in call.struck else 1,
    )
