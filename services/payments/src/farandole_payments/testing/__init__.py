"""Testing: a gateway in memory, and the contract that every adapter to a real one must keep."""

from farandole_payments.testing.fake_gateway import FakeGateway
from farandole_payments.testing.gateway_contract import Cards, GatewayContract

__all__ = ["Cards", "FakeGateway", "GatewayContract"]
