"""Whatever happens to a small shop, in whatever order and however often, its books balance.

Hypothesis draws orders, cancellations (also of orders that come later), goods in any quantity, duplicates of anything,
and time; after every step the rows are checked against one another, and in the end every order has one outcome.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from farandole import Event
from farandole.testing import Harness
from farandole_events import StockBackordered, StockLow, StockRejected, StockReleased, StockReserved
from farandole_inventory.service import service
from farandole_inventory.settings import InventorySettings
from farandole_inventory.testing import goods_received, imbalances, order_cancelled, order_placed
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

FIRST_STOCK = """\
product_id,name,supplier_id,units_in_stock,reorder_level,discontinued
chai,Chai,exotic,9,3,0
chang,Chang,exotic,5,0,0
gumbo,Gumbo Mix,cajun,6,0,1
"""
DEADLINE = timedelta(seconds=4)
products = st.sampled_from(["chai", "chang", "gumbo"])
order_ids = st.integers(0, 11).map("o-{}".format)


class Shop(RuleBasedStateMachine):
    """A small inventory, moved at random."""

    @initialize()
    def open(self) -> None:
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "products.csv"
        path.write_text(FIRST_STOCK, encoding="utf-8")
        shop = InventorySettings(products_csv=path, backorder_deadline=DEADLINE, headroom=4)
        self.runner = asyncio.Runner()
        self.inventory = Harness(service, provide={InventorySettings: shop})
        self.runner.run(self.inventory.__aenter__())
        self.records: list[tuple[Event, str]] = []
        self.purchase_orders = 0

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.inventory.__aexit__(None, None, None))
            self.runner.close()
            self.folder.cleanup()

    def deliver(self, event: Event, event_id: str) -> None:
        self.runner.run(self.inventory.deliver(event, event_id=event_id))
        self.records.append((event, event_id))

    @rule(order_id=order_ids, units=st.dictionaries(products, st.integers(1, 8), min_size=1))
    def an_order_is_placed(self, order_id: str, units: dict[str, int]) -> None:
        self.deliver(order_placed(order_id, **units), f"event-{len(self.records)}")

    @rule(order_id=order_ids)
    def an_order_is_cancelled(self, order_id: str) -> None:
        self.deliver(order_cancelled(order_id), f"event-{len(self.records)}")

    @rule(product_id=products, quantity=st.integers(1, 12))
    def goods_arrive(self, product_id: str, quantity: int) -> None:
        self.purchase_orders += 1
        self.deliver(goods_received(f"po-{self.purchase_orders}", product_id, quantity), f"event-{len(self.records)}")

    @precondition(lambda self: self.records)
    @rule(data=st.data(), renamed=st.booleans())
    def something_is_told_again(self, data: st.DataObject, renamed: bool) -> None:
        event, event_id = data.draw(st.sampled_from(self.records))
        self.deliver(event, f"event-{len(self.records)}" if renamed else event_id)

    @rule(seconds=st.integers(1, 5))
    def time_passes(self, seconds: int) -> None:
        self.runner.run(self.inventory.advance(timedelta(seconds=seconds)))

    @invariant()
    def the_books_balance(self) -> None:
        if hasattr(self, "runner"):
            assert self.inventory.store is not None
            assert self.runner.run(imbalances(self.inventory.store)) == []
            assert self.inventory.dead_letters == []

    @invariant()
    def an_order_is_told_one_story(self) -> None:
        if not hasattr(self, "runner"):
            return
        reserved = [one.order_id for one in self.inventory.events(StockReserved)]
        released = [one.order_id for one in self.inventory.events(StockReleased)]
        rejected = [one.order_id for one in self.inventory.events(StockRejected)]
        waiting = [one.order_id for one in self.inventory.events(StockBackordered)]
        for told in (reserved, released, rejected, waiting):
            assert len(told) == len(set(told))
        assert set(released) <= set(reserved)
        assert not set(reserved) & set(rejected)
        shortages = [one.shortage_id for one in self.inventory.events(StockLow)]
        assert len(shortages) == len(set(shortages))


Shop.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestAnyHistoryBalances = Shop.TestCase
