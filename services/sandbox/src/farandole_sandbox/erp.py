"""The ERP: one sales order an order, and the stages that are posted onto it."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any, Literal

import msgspec
from starlette.routing import Route

from farandole_sandbox.answer import Answer, Call, done
from farandole_sandbox.desk import Name, doing, looking_up
from farandole_sandbox.effect import Effect, find
from farandole_sandbox.sandbox import Sandbox


class PostingRequest(msgspec.Struct, frozen=True):
    """A stage of an order, with whatever document belongs to it."""

    order_id: Name
    stage: Literal["placed", "completed", "cancelled", "invoiced", "credited"]
    document: dict[str, Any] = {}


def post(connection: sqlite3.Connection, call: Call, asked: PostingRequest) -> Answer:
    """Post a stage; whichever stage comes first opens the sales order, as stages come in any order."""
    sales_order_id = _sales_order_id(asked.order_id)
    if find(connection, sales_order_id, "sales_order") is None:
        Effect(
            id=sales_order_id,
            kind="sales_order",
            once=f"sales_order:{asked.order_id}",
            key=call.key,
            at=call.at,
            order_id=asked.order_id,
            detail={},
        ).record(connection)
    posting_id = call.id("post")
    Effect(
        id=posting_id,
        kind="posting",
        once=f"posting:{asked.order_id}:{asked.stage}",
        key=call.key,
        at=call.at,
        order_id=asked.order_id,
        parent=sales_order_id,
        detail={"stage": asked.stage, "document": asked.document},
    ).record(connection)
    return done(201, sales_order_id=sales_order_id, posting_id=posting_id, stage=asked.stage, posted_at=call.at)


def _sales_order_id(order_id: str) -> str:
    return f"so_{hashlib.blake2b(order_id.encode(), digest_size=10).hexdigest()}"


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the ERP's routes."""
    return [
        Route("/erp/sales-orders", doing(sandbox, PostingRequest, post), methods=["POST"]),
        Route("/erp/sales-orders/{id}", looking_up(sandbox, "sales_order", "id"), methods=["GET"]),
    ]
