"""The CRM: what the customer is told."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
from starlette.routing import Route

from farandole_sandbox.answer import Answer, Call, done
from farandole_sandbox.desk import Name, doing, looking_up
from farandole_sandbox.effect import Effect
from farandole_sandbox.sandbox import Sandbox


class NotificationRequest(msgspec.Struct, frozen=True):
    """A template, for whom, about which order, with what to fill in."""

    customer_id: Name
    order_id: Name
    template: Name
    parameters: dict[str, Any] = {}


def notify(connection: sqlite3.Connection, call: Call, asked: NotificationRequest) -> Answer:
    """Send a notification."""
    notification_id = call.id("note")
    Effect(
        id=notification_id,
        kind="notification",
        once=f"notification:{asked.order_id}:{asked.template}",
        key=call.key,
        at=call.at,
        order_id=asked.order_id,
        detail={"customer_id": asked.customer_id, "template": asked.template, "parameters": asked.parameters},
    ).record(connection)
    return done(201, notification_id=notification_id, template=asked.template, sent_at=call.at)


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the CRM's routes."""
    return [
        Route("/crm/notifications", doing(sandbox, NotificationRequest, notify), methods=["POST"]),
        Route("/crm/notifications/{id}", looking_up(sandbox, "notification", "id"), methods=["GET"]),
    ]
