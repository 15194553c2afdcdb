"""Testing: carriers in memory, and the contract that every adapter to real ones must keep."""

from farandole_shipping.testing.carriers_contract import CarriersContract
from farandole_shipping.testing.fake_carriers import FakeCarriers

__all__ = ["CarriersContract", "FakeCarriers"]
