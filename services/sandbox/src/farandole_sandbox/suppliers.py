"""The supplier portal: purchase orders, and the webhook that announces the goods."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
from starlette.routing import Route

from farandole_sandbox.answer import Answer, Call, done, written
from farandole_sandbox.desk import Name, Quantity, doing, looking_up
from farandole_sandbox.effect import Effect
from farandole_sandbox.owed import due_after, webhook
from farandole_sandbox.sandbox import Sandbox
from farandole_sandbox.settings import Settings


class PurchaseRequest(msgspec.Struct, frozen=True):
    """How many of a product, to end which shortage."""

    product_id: Name
    quantity: Quantity
    shortage_id: Name


def purchase(connection: sqlite3.Connection, call: Call, asked: PurchaseRequest, *, settings: Settings) -> Answer:
    """Take a purchase order; the webhook announces the whole quantity later."""
    purchase_order_id = call.id("po")
    supplier_id = call.parameters["supplier_id"]
    due = due_after(call, settings.sandbox_supply_delay, settings)
    goods: dict[str, Any] = {"supplier_id": supplier_id, "product_id": asked.product_id, "quantity": asked.quantity}
    Effect(
        id=purchase_order_id,
        kind="purchase_order",
        once=f"purchase_order:{asked.shortage_id}",
        key=call.key,
        at=call.at,
        detail={**goods, "shortage_id": asked.shortage_id, "expected_at": written(due)},
    ).record(connection)
    owed = webhook(
        call,
        receiver="suppliers",
        effect=purchase_order_id,
        due=due,
        purchase_order_id=purchase_order_id,
        **goods,
    )
    return done(201, owed, purchase_order_id=purchase_order_id, expected_at=written(due))


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the supplier portal's routes."""

    def purchasing(connection: sqlite3.Connection, call: Call, asked: PurchaseRequest) -> Answer:
        return purchase(connection, call, asked, settings=sandbox.settings)

    path = "/suppliers/{supplier_id}/purchase-orders"
    return [
        Route(path, doing(sandbox, PurchaseRequest, purchasing), methods=["POST"]),
        Route(path + "/{id}", looking_up(sandbox, "purchase_order", "id"), methods=["GET"]),
    ]
