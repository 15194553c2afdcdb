"""Processes: what runs beside broker and Redis for each way, and what it is told."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from farandole import installed
from farandole.breaker import Dependency
from farandole.errors import UsageError
from farandole.handler import Handler
from farandole.local.services import ServiceProcess, discover
from farandole.outside import CONNECTIONS
from farandole.retry import Backoff
from farandole_events import OrderPlaced

from farandole_sandbox.storm.by_hand.settings import Settings, to_environment
from farandole_sandbox.storm.plan import Plan
from farandole_sandbox.storm.way import Way

PAYMENTS = "payments"
SANDBOX = "sandbox"
BY_HAND = "by-hand"


def processes_of(way: Way, plan: Plan) -> tuple[ServiceProcess, ...]:
    """Return the sandbox and the one consumer of the orders: the payments service, or the one by hand.

    The payments service is told what the gateway takes, as whoever deploys it would read in its contract.
    """
    there = {service.name: service for service in discover(first=(SANDBOX, PAYMENTS))}
    if way is Way.MESH:
        told = {"FARANDOLE_RATES": msgspec.json.encode({the_gateway().name: plan.rate}).decode()}
        return there[SANDBOX], replace(there[PAYMENTS], env=told)
    module = "farandole_sandbox.storm.by_hand"
    told = to_environment(Settings(way=way, connections=CONNECTIONS, backoff=policy()))
    return there[SANDBOX], ServiceProcess(name=BY_HAND, module=module, preload=f"{module}.consumer", env=told)


def policy() -> Backoff:
    """Return how the payments service tries again when it hears of an order: the loop by hand gets the same."""
    return _authorisation().policy.backoff


def the_gateway() -> Dependency:
    """Return the one dependency of the handler of orders."""
    (gateway,) = _authorisation().depends_on
    return gateway


def _authorisation() -> Handler:
    """Return the payments service's handler of orders.

    Raises:
        UsageError: the payments service is not installed, or hears no orders.
    """
    for handler in installed.service(PAYMENTS).handlers:
        if handler.event is OrderPlaced:
            return handler
    raise UsageError("payments hears no OrderPlaced", why="the storm is about that handler", code="E514")
