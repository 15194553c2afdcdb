"""First stock: the products and units that an inventory begins with, read from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from farandole.errors import StartError

from farandole_inventory.product import Product

COLUMNS: Final = ("product_id", "name", "supplier_id", "units_in_stock", "reorder_level", "discontinued")
_TRUTHS: Final = {"0": False, "1": True, "false": False, "true": True}


def first_stock(path: Path | None) -> tuple[Product, ...]:
    """Read the products of a CSV file (UTF-8, with a header row), or Northwind's where no file is given.

    Raises:
        StartError: the file cannot be read, or a row is no product; the sentence names the row.
    """
    if path is None:
        text = files("farandole_inventory").joinpath("data/products.csv").read_text(encoding="utf-8")
        return _products(csv.DictReader(text.splitlines()), "Northwind")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _products(csv.DictReader(file), str(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unusable(str(path), str(error)) from error


def _products(rows: Iterable[Mapping[str, str | None]], name: str) -> tuple[Product, ...]:
    products: dict[str, Product] = {}
    for number, row in enumerate(rows, start=2):
        try:
            product = _product(row)
        except (KeyError, ValueError, AttributeError) as error:
            raise _unusable(name, f"row {number}: {error!r}") from error
        if product.product_id in products:
            raise _unusable(name, f"row {number}: product {product.product_id} is there twice")
        products[product.product_id] = product
    if not products:
        raise _unusable(name, "it holds no product")
    return tuple(products.values())


def _product(row: Mapping[str, str | None]) -> Product:
    said = {column: (row[column] or "").strip() for column in COLUMNS}
    initial, reorder_level = int(said["units_in_stock"]), int(said["reorder_level"])
    if not said["product_id"] or not said["supplier_id"]:
        raise ValueError("product_id and supplier_id must be there")
    if not (0 <= initial < 2**31 and 0 <= reorder_level < 2**31):
        raise ValueError("units_in_stock and reorder_level must be from 0 to 2147483647")
    return Product(
        product_id=said["product_id"],
        name=said["name"],
        supplier_id=said["supplier_id"],
        initial=initial,
        reorder_level=reorder_level,
        discontinued=_TRUTHS[said["discontinued"].lower()],
    )


def _unusable(name: str, why: str) -> StartError:
    return StartError(
        f"the first stock cannot be read from {name}",
        why=why,
        do=f"give a CSV file with the columns {','.join(COLUMNS)} in FARANDOLE_INVENTORY_PRODUCTS_CSV",
        code="E131",
    )
