"""The system that a handler needs is away for a while, and everything waits for it where it is.

A gateway that can be taken away stands behind the handlers of a service in the harness. However long the outage is,
nothing may reach a retry tier or a dead-letter topic for its sake, the dead gateway may be called only a little more
than once a probe interval, handlers that do not need it go on, and in the end everything is done once. A message that
is itself the fault has to be told from all that.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from farandole import Backoff, Dependency, DependencyError, Service, Throttled
from farandole.breaker import Phase
from farandole.testing import Harness
from farandole_events import CancellationRefused, CancellationRequested, OrderCancelled, StockReleased

SECOND = timedelta(seconds=1)
GATEWAY = Dependency("gateway")


class Gateway:
    """A system outside that works, is away, refuses some for ever, or takes only so many calls a second."""

    def __init__(self, clock=None) -> None:
        self.clock = clock
        self.away = False
        self.poisonous: set[str] = set()
        self.per_second: int | None = None
        self.calls: Counter[str] = Counter()
        self.at: list[object] = []
        self.refused = 0

    async def ask(self, order_id: str) -> None:
        self.calls[order_id] += 1
        if self.clock is not None:
            self.at.append(self.clock.now())
        if self.away or order_id in self.poisonous:
            raise DependencyError("the gateway did not answer")
        if self.per_second is not None and self._last_second() > self.per_second:
            self.refused += 1
            raise Throttled("too many", after=SECOND)

    def _last_second(self) -> int:
        return sum(one > self.clock.now() - SECOND for one in self.at)


def cancelled(order_id: str) -> OrderCancelled:
    return OrderCancelled(order_id=order_id, customer_id="c-1", reason="x", cause="customer")


def service_on(gateway: Gateway, dependency: Dependency | str = GATEWAY, *, attempts: int = 3) -> Service:
    service = Service("inventory")
    retry = Backoff(first=SECOND, factor=2, attempts=attempts)

    async def release(cancelled: OrderCancelled) -> StockReleased:
        await gateway.ask(cancelled.order_id)
        return StockReleased(order_id=cancelled.order_id, reservation_id="r-1", lines=())

    async def refuse(wish: CancellationRequested) -> CancellationRefused:
        return CancellationRefused(order_id=wish.order_id, reason="x")

    service.on(OrderCancelled, depends_on=dependency, retry=retry)(release)
    service.on(CancellationRequested)(refuse)
    return service


def state_of(harness: Harness):
    return harness.runtime.gate.doors["gateway"].session.known


async def test_nothing_is_retried_or_given_up_for_an_outage_and_the_dead_are_left_alone():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await harness.deliver(*[cancelled(f"before-{n}") for n in range(100)])
        gateway.away = True
        before = gateway.calls.total()
        await harness.deliver(*[cancelled(f"o-{n}") for n in range(200)])
        await harness.advance(60 * SECOND)
        calls = gateway.calls.total() - before
        assert state_of(harness).phase is Phase.OPEN
        assert calls <= 16 + 16 + 30
        gateway.away = False
        await harness.advance(60 * SECOND)
        assert len(harness.events(StockReleased)) == 300
        assert (harness.retries, harness.dead_letters) == ([], [])
        assert state_of(harness).phase is Phase.CLOSED
