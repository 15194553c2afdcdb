"""Testing: a warehouse system in memory, and the contract that every adapter to a real one must keep."""

from farandole_warehouse.testing.fake_warehouse_system import FakeWarehouseSystem
from farandole_warehouse.testing.warehouse_system_contract import WarehouseSystemContract

__all__ = ["FakeWarehouseSystem", "WarehouseSystemContract"]
