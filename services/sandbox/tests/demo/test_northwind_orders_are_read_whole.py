"""The orders of the demo come from files that are not quite CSV: nothing may be lost or torn in reading them."""

from __future__ import annotations

from farandole_sandbox.demo import northwind
from farandole_sandbox.demo.northwind import Address


def test_every_order_and_every_line_is_there() -> None:
    orders = northwind.orders()
    assert [len(orders), sum(len(order.lines) for order in orders)] == [830, 2155]
    assert [order.number for order in orders] == [str(number) for number in range(10248, 11078)]


def test_a_comma_in_a_street_tears_no_row() -> None:
    found = {order.ship_to.street: order.ship_to for order in northwind.orders()}
    assert found["Rua do Paço, 67"] == Address(
        name="Hanari Carnes",
        street="Rua do Paço, 67",
        city="Rio de Janeiro",
        region="RJ",
        postal_code="05454-876",
        country="Brazil",
    )
    assert sum("," in order.ship_to.street for order in northwind.orders()) == 176


def test_no_address_is_torn() -> None:
    addresses = [order.ship_to for order in northwind.orders()]
    assert all("," not in text for one in addresses for text in (one.name, one.city, one.country))
    assert len({one.country for one in addresses}) == 21
    assert not any(one.region == "NULL" or one.postal_code == "NULL" for one in addresses)


def test_amounts_and_discounts_are_exact() -> None:
    first = northwind.orders()[0]
    assert first.freight_cents == 3238
    assert [(line.unit_price_cents, line.quantity) for line in first.lines] == [(1400, 12), (980, 10), (3480, 5)]
    discounts = {line.discount_basis_points for order in northwind.orders() for line in order.lines}
    assert discounts == {0, 100, 200, 300, 400, 500, 600, 1000, 1500, 2000, 2500}


def test_products_know_what_is_there_and_what_is_no_longer_made() -> None:
    products = northwind.products()
    assert len(products) == 77
    assert sum(product.discontinued for product in products.values()) == 8
    assert (products["1"].name, products["1"].in_stock) == ("Chai", 39)
    holding = [o for o in northwind.orders() if any(line.product.discontinued for line in o.lines)]
    assert len(holding) == 207
