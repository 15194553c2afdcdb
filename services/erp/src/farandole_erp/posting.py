"""Posting: every stage of an order that the books must show, posted to the ERP once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from farandole import UnitOfWork
from farandole_events import (
    CreditNoteIssued,
    InvoiceIssued,
    OrderCancelled,
    OrderCompleted,
    OrderPlaced,
    SalesOrderPosted,
)

from farandole_erp.sales_ledger import SalesLedger, Stage
from farandole_erp.tables import postings


async def order_was_placed(placed: OrderPlaced, erp: SalesLedger, work: UnitOfWork) -> SalesOrderPosted | None:
    """Open the sales order. What pays for it is no business of the ERP."""
    document = msgspec.to_builtins(placed)
    del document["payment_token"]
    return await _post(placed.order_id, Stage.PLACED, document, erp, work)


async def order_was_completed(completed: OrderCompleted, erp: SalesLedger, work: UnitOfWork) -> SalesOrderPosted | None:
    """Close the sales order."""
    return await _post(completed.order_id, Stage.COMPLETED, msgspec.to_builtins(completed), erp, work)


async def order_was_cancelled(cancelled: OrderCancelled, erp: SalesLedger, work: UnitOfWork) -> SalesOrderPosted | None:
    """Close the sales order as cancelled."""
    return await _post(cancelled.order_id, Stage.CANCELLED, msgspec.to_builtins(cancelled), erp, work)


async def invoice_was_issued(issued: InvoiceIssued, erp: SalesLedger, work: UnitOfWork) -> SalesOrderPosted | None:
    """Post the invoice to the sales order."""
    return await _post(issued.order_id, Stage.INVOICED, msgspec.to_builtins(issued), erp, work)


async def credit_note_was_issued(
    issued: CreditNoteIssued, erp: SalesLedger, work: UnitOfWork
) -> SalesOrderPosted | None:
    """Post the credit note to the sales order."""
    return await _post(issued.order_id, Stage.CREDITED, msgspec.to_builtins(issued), erp, work)


async def _post(
    order_id: str, stage: Stage, document: Mapping[str, Any], erp: SalesLedger, work: UnitOfWork
) -> SalesOrderPosted | None:
    """Post a stage; whoever writes its row tells of it.

    The key is the order's and the stage's: an order has each stage once, whichever event brings it. The same stage with
    another document is refused by the ERP and becomes a dead letter: books that differ are for people to look at.
    """
    posted = await erp.post(order_id, stage, document, idempotency_key=f"posting:{order_id}:{stage}")
    row = {
        "order_id": order_id,
        "stage": stage,
        "sales_order_id": posted.sales_order_id,
        "posted_at": posted.posted_at,
    }
    own = [postings.c.order_id, postings.c.stage]
    insert = work.insert(postings).values(row).on_conflict_do_nothing(index_elements=own).returning(*own)
    if (await work.execute(insert)).first() is None:
        return None
    return SalesOrderPosted(
        order_id=order_id, sales_order_id=posted.sales_order_id, stage=stage.value, posted_at=posted.posted_at
    )
