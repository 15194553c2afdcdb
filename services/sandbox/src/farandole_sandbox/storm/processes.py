"""Processes: what runs beside broker and Redis for each way, and what it is told."""

from __future__ import annotations

from farandole import installed
from farandole.errors import UsageError
from farandole.local.services import ServiceProcess, discover
from farandole.outside import CONNECTIONS
from farandole.retry import Backoff
from farandole_events import OrderPlaced

from farandole_sandbox.storm.by_hand.settings import Settings, to_environment
from farandole_sandbox.storm.way import Way

PAYMENTS = "payments"
SANDBOX = "sandbox"
BY_HAND = "by-hand"


def processes_of(way: Way) -> tuple[ServiceProcess, ...]:
    """Return the sandbox and the one consumer of the orders: the payments service, or the one by hand."""
    there = {service.name: service for service in discover(first=(SANDBOX, PAYMENTS))}
    if way is Way.MESH:
        return there[SANDBOX], there[PAYMENTS]
    module = "farandole_sandbox.storm.by_hand"
    told = to_environment(Settings(way=way, connections=CONNECTIONS, backoff=policy()))
    return there[SANDBOX], ServiceProcess(name=BY_HAND, module=module, preload=f"{module}.consumer", env=told)


def policy() -> Backoff:
    """Return how the payments service tries again when it hears of an order: the loop by hand gets the same.

    Raises:
        UsageError: the payments service is not installed, or hears no orders.
    """
    for handler in installed.service(PAYMENTS).handlers:
        if handler.event is OrderPlaced:
            return handler.policy.backoff
    raise UsageError("payments hears no OrderPlaced", why="the storm is about that handler", code="E514")
