"""Invoice numbers and credit note numbers count 1, 2, 3 … whatever fails, dies, races or comes twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from farandole import Event, Store
from farandole.testing import Harness
from farandole_events.invoices import CreditNoteIssued, InvoiceIssued
from farandole_events.orders import OrderCancelled
from farandole_events.payments import PaymentCaptured, PaymentCaptureFailed
from farandole_events.types import Address, BillTo
from farandole_invoicing import register
from farandole_invoicing.archive import Archive
from farandole_invoicing.paper import Seller
from farandole_invoicing.service import service
from farandole_invoicing.tables import metadata
from hypothesis import given, settings
from hypothesis import strategies as st

ADDRESS = Address(name="Ana Trujillo", street="Avda. de la Constitución 2222", city="México D.F.", country="Mexico")
BILL = BillTo(customer_id="ANATR", reference="1", lines=(), total_cents=3000, currency="USD", address=ADDRESS)


def event_of(kind: str, order_id: str) -> Event:
    if kind == "captured":
        return PaymentCaptured(
            order_id=order_id, capture_id="c", hold_id="h", amount_cents=3000, currency="USD", bill=BILL
        )
    if kind == "failed":
        return PaymentCaptureFailed(
            order_id=order_id, hold_id="h", amount_cents=3000, currency="USD", reason="no", bill=BILL
        )
    return OrderCancelled(order_id=order_id, customer_id="ANATR", reason="no", cause="customer")


def draft(order_id: str) -> register.Draft:
    return register.Draft(
        order_id=order_id,
        bill=BILL,
        seller=Seller(name="Northwind"),
        paid=True,
        issued_at=datetime(2026, 11, 23, tzinfo=UTC),
        due_at=None,
    )


happenings = st.tuples(
    st.sampled_from(["captured", "failed", "cancelled"]), st.sampled_from([f"order-{n}" for n in range(5)])
)


@settings(max_examples=40, deadline=None)
@given(history=st.lists(happenings, max_size=25))
def test_any_history_leaves_no_gap_and_credits_what_was_cancelled(history: Sequence[tuple[str, str]]) -> None:
    asyncio.run(_live_through(history))


async def _live_through(history: Sequence[tuple[str, str]]) -> None:
    async with Harness(service) as harness:
        for kind, order_id in history:
            await harness.deliver(event_of(kind, order_id), event_id=f"{kind}-{order_id}")
        invoices, notes = harness.events(InvoiceIssued), harness.events(CreditNoteIssued)
    paid = {order_id for kind, order_id in history if kind != "cancelled"}
    cancelled = {order_id for kind, order_id in history if kind == "cancelled"}
    assert [one.invoice_number for one in invoices] == list(range(1, len(paid) + 1))
    assert Counter(one.order_id for one in invoices) == Counter(paid)
    assert sorted(one.credit_note_number for one in notes) == list(range(1, len(paid & cancelled) + 1))
    assert Counter(one.order_id for one in notes) == Counter(paid & cancelled)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = Store(database_url, metadata=(metadata,), service="invoicing")
    await opened.open()
    yield opened
    await opened.close()


async def test_a_rollback_gives_its_number_back(store: Store) -> None:
    async def issue(order_id: str, *, fail: bool) -> None:
        async with store.transaction() as work:
            await register.issue(work, draft(order_id))
            if fail:
                raise ConnectionError("the commit never came")

    await issue("order-1", fail=False)
    with pytest.raises(ConnectionError):
        await issue("order-2", fail=True)
    await issue("order-3", fail=False)
    issued = await Archive(store).invoices(after=0, limit=10)
    assert [(one.number, one.order_id) for one in issued] == [(1, "order-1"), (2, "order-3")]


async def test_two_replicas_share_one_series(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(Harness(service, database_url=database_url)) for _ in range(2)]
        orders = [[f"order-{n}-{half}" for n in range(20)] for half in range(2)]
        both: list[Any] = [
            replica.deliver(*(event_of("captured", order_id) for order_id in half))
            for replica, half in zip(replicas, orders, strict=True)
        ]
        await asyncio.gather(*both)
        numbers = [one.invoice_number for replica in replicas for one in replica.events(InvoiceIssued)]
    assert sorted(numbers) == list(range(1, 41))


async def test_of_two_cancellations_at_once_one_credits_and_the_other_sees_it(store: Store) -> None:
    async def cancel(order_id: str) -> int:
        async with store.transaction() as work:
            now = datetime(2026, 11, 23, tzinfo=UTC)
            return 0 if await register.cancel(work, order_id, reason="no", now=now) is None else 1

    for order_id in (f"order-{n}" for n in range(10)):
        async with store.transaction() as work:
            await register.issue(work, draft(order_id))
        assert sorted(await asyncio.gather(cancel(order_id), cancel(order_id))) == [0, 1]


async def test_a_payment_and_its_cancellation_on_two_replicas_at_once_are_both_heard(database_url: str) -> None:
    orders = [f"order-{n}" for n in range(20)]
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(Harness(service, database_url=database_url)) for _ in range(2)]
        both: list[Any] = [
            replica.deliver(*(event_of(kind, order_id) for order_id in orders))
            for replica, kind in zip(replicas, ("captured", "cancelled"), strict=True)
        ]
        await asyncio.gather(*both)
        notes = [one for replica in replicas for one in replica.events(CreditNoteIssued)]
    assert sorted(one.credit_note_number for one in notes) == list(range(1, 21))
    assert sorted(one.order_id for one in notes) == sorted(orders)


def test_a_process_killed_in_the_middle_of_its_invoices_leaves_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "invoicing.db"
    endless = dedent("""
        import asyncio, itertools, sys
        from datetime import UTC, datetime
        from farandole import Store
        from farandole_events.types import Address, BillTo
        from farandole_invoicing import register
        from farandole_invoicing.paper import Seller
        from farandole_invoicing.tables import metadata

        async def main():
            store = Store("sqlite:///" + sys.argv[1], metadata=(metadata,), service="invoicing")
            await store.open()
            address = Address(name="A", street="S", city="C", country="D")
            bill = BillTo(customer_id="A", reference="1", lines=(), total_cents=1, currency="USD", address=address)
            for n in itertools.count():
                async with store.transaction() as work:
                    await register.issue(work, register.Draft(
                        order_id=f"{sys.argv[2]}-{n}", bill=bill, seller=Seller(name="N"), paid=True,
                        issued_at=datetime(2026, 11, 23, tzinfo=UTC), due_at=None))
                print(n, flush=True)

        asyncio.run(main())
    """)
    for life in range(3):
        process = subprocess.Popen([sys.executable, "-c", endless, str(path), str(life)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(20 + life):
            assert process.stdout.readline(), "it ended by itself"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    numbers = asyncio.run(_numbers_of(path))
    assert len(numbers) >= 63
    assert numbers == list(range(1, len(numbers) + 1))


async def _numbers_of(path: Path) -> Sequence[int]:
    store = Store(f"sqlite:///{path}", metadata=(metadata,), service="invoicing")
    await store.open()
    numbers = [one.number for one in await Archive(store).invoices(after=0, limit=1_000_000)]
    await store.close()
    return numbers
