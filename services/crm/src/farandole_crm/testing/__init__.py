"""Testing: a CRM in memory, and the contract that every adapter to a real one must keep."""

from farandole_crm.testing.fake_messenger import FakeMessenger
from farandole_crm.testing.messenger_contract import MessengerContract

__all__ = ["FakeMessenger", "MessengerContract"]
