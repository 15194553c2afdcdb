from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from farandole.testing import Harness
from farandole_events import Address, GoodsReceived, OrderCancelled, OrderLine, OrderPlaced
from farandole_inventory.service import service
from farandole_inventory.settings import InventorySettings

FIRST_STOCK = """\
product_id,name,supplier_id,units_in_stock,reorder_level,discontinued
chai,Chai,exotic,39,10,0
chang,Chang,exotic,100,0,0
gumbo,Gumbo Mix,cajun,20,0,1
"""
SHIP_TO = Address(name="Vins et alcools", street="59 rue de l'Abbaye", city="Reims", country="France")
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _placed(order_id: str, *more: tuple[str, int], **units: int) -> OrderPlaced:
    lines = tuple(
        OrderLine(product_id=product, product_name=product, quantity=number, unit_price_cents=100, total_cents=100)
        for product, number in (*units.items(), *more)
    )
    return OrderPlaced(
        order_id=order_id,
        customer_id="VINET",
        reference=order_id,
        order_date=DAY,
        lines=lines,
        total_cents=100 * len(lines),
        currency="USD",
        ship_to=SHIP_TO,
        carrier="3",
        payment_token="tok_visa",
    )


def _cancelled(order_id: str) -> OrderCancelled:
    return OrderCancelled(order_id=order_id, customer_id="VINET", reason="changed my mind", cause="customer")


def _received(purchase_order_id: str, product_id: str, quantity: int) -> GoodsReceived:
    return GoodsReceived(
        product_id=product_id,
        purchase_order_id=purchase_order_id,
        supplier_id="exotic",
        quantity=quantity,
        received_at=DAY,
    )


@pytest.fixture
def placed() -> Callable[..., OrderPlaced]:
    """``placed("o-1", chai=5)``; a line that keywords cannot say is given as ``("chai", 5)``."""
    return _placed


@pytest.fixture
def cancelled() -> Callable[[str], OrderCancelled]:
    return _cancelled


@pytest.fixture
def received() -> Callable[[str, str, int], GoodsReceived]:
    """``received("po-1", "chai", 100)``."""
    return _received


@pytest.fixture
def shop(tmp_path: Path) -> InventorySettings:
    """The settings of a small shop: 39 chai (reorder at 10), 100 chang (at 0), 20 of a discontinued gumbo mix."""
    products = tmp_path / "products.csv"
    products.write_text(FIRST_STOCK, encoding="utf-8")
    return InventorySettings(products_csv=products)


@pytest.fixture
async def inventory(shop: InventorySettings) -> AsyncIterator[Harness]:
    async with Harness(service, provide={InventorySettings: shop}) as harness:
        yield harness
