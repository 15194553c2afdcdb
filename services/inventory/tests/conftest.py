from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from farandole.testing import Harness
from farandole_inventory.service import service
from farandole_inventory.settings import InventorySettings

FIRST_STOCK = """\
product_id,name,supplier_id,units_in_stock,reorder_level,discontinued
chai,Chai,exotic,39,10,0
chang,Chang,exotic,100,0,0
gumbo,Gumbo Mix,cajun,20,0,1
"""


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
