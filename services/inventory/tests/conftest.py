from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from farandole.testing import Harness
from farandole.testing.postgres import PostgreSQLServer
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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'inventory.db'}"
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    return server.database(f"inventory_{uuid.uuid4().hex}")


@pytest.fixture
async def inventory(shop: InventorySettings, database_url: str) -> AsyncIterator[Harness]:
    async with Harness(service, provide={InventorySettings: shop}, database_url=database_url) as harness:
        yield harness
