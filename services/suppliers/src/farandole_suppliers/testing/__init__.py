"""Testing: a supplier portal in memory, and the contract that every adapter to a real one must keep."""

from farandole_suppliers.testing.fake_portal import FakePortal
from farandole_suppliers.testing.portal_contract import PortalContract

__all__ = ["FakePortal", "PortalContract"]
