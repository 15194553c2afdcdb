"""The system that a handler needs is away for a while, and everything waits for it where it is.

A gateway that can be taken away stands behind the handlers of a service in the harness. However long the outage is,
nothing may reach a retry tier or a dead-letter topic for its sake, the dead gateway may be called only a little more
than once a probe interval, handlers that do not need it go on, and in the end everything is done once. A message that
is itself the fault has to be told from all that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from farandole import Backoff, Dependency, DependencyError, Service, Throttled
from farandole.breaker import BreakerState, Phase
from farandole.breaker.rules import WINDOW
from farandole.breaker.state import Lease
from farandole.calls import note_answer, note_failure
from farandole.delivery import Replay
from farandole.engine.doors import dependencies_of
from farandole.errors import StartError
from farandole.settings import Settings
from farandole.testing import Harness, ManualClock
from farandole_events import CancellationRefused, OrderCancelled, PaymentDeclined, StockReleased
from sqlalchemy import MetaData

SECOND = timedelta(seconds=1)
GATEWAY = Dependency("gateway")


class Gateway:
    """A system outside that works, is away, hangs, refuses some for ever, or takes only so many calls a second."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock
        self.name = ""
        self.away = False
        self.hangs = False
        self.notes = False
        self.bug: Exception | None = None
        self.poisonous: set[str] = set()
        self.ignored: set[str] = set()
        self.per_second: int | None = None
        self.calls: Counter[str] = Counter()
        self.at: list[datetime] = []
        self.refused = 0
        self.asked_how_it_is = 0

    async def is_healthy(self) -> bool:
        self.asked_how_it_is += 1
        return not self.away

    async def ask(self, order_id: str) -> None:
        if order_id in self.ignored:
            return
        self.calls[order_id] += 1
        if self.clock is not None:
            self.at.append(self.clock.now())
        if self.hangs:
            await asyncio.Event().wait()
        if self.bug is not None:
            raise self.bug
        if self.away or order_id in self.poisonous:
            if self.notes:
                note_failure()
            raise DependencyError("the gateway did not answer", dependency=self.name)
        if self.notes:
            note_answer()
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

    async def refuse(declined: PaymentDeclined) -> CancellationRefused:
        return CancellationRefused(order_id=declined.order_id, reason="x")

    service.on(OrderCancelled, depends_on=dependency, retry=retry)(release)
    service.on(PaymentDeclined)(refuse)
    return service


def state_of(harness: Harness) -> BreakerState:
    assert harness.runtime.gate is not None
    known = harness.runtime.gate.doors["gateway"].session.known
    assert known is not None
    return known


def nothing_was_given_up(harness: Harness) -> bool:
    return (harness.retries, harness.dead_letters) == ([], [])


async def outage(harness: Harness, gateway: Gateway, *, orders: int = 20) -> None:
    gateway.away = True
    await harness.deliver(*[cancelled(f"o-{n}") for n in range(orders)])
    await harness.advance(3 * SECOND)
    assert state_of(harness).phase is Phase.OPEN


async def recovered(harness: Harness, gateway: Gateway) -> None:
    gateway.away = False
    await harness.advance(20 * SECOND)
    assert state_of(harness).phase is Phase.CLOSED


async def test_nothing_is_retried_or_given_up_for_an_outage_and_the_dead_are_left_alone():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await harness.deliver(*[cancelled(f"before-{n}") for n in range(100)])
        before = gateway.calls.total()
        await outage(harness, gateway, orders=60)
        opened_by = gateway.calls.total() - before
        await harness.advance(60 * SECOND)
        assert opened_by <= GATEWAY.concurrency + WINDOW
        assert gateway.calls.total() - before - opened_by <= 60 / 2 + 1
        await recovered(harness, gateway)
        assert len(harness.events(StockReleased)) == 160
        assert nothing_was_given_up(harness)
        assert harness.runtime.metrics.totals().dropped == 0


async def test_a_handler_that_does_not_need_it_goes_on():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await outage(harness, gateway)
        await harness.deliver(PaymentDeclined(order_id="w-1", reason="x"))
        assert len(harness.events(CancellationRefused)) == 1


async def test_a_replay_waits_for_it_where_it_has_effects_and_passes_it_by_where_it_has_none():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        (record,) = await harness.deliver(cancelled("before"))
        await outage(harness, gateway)
        await harness.replay(record, Replay(id="r-1"))
        assert harness.runtime.metrics.totals().skipped == 1
        held = harness.runtime.worker.held
        await harness.replay(record, Replay(id="r-2", effects=True))
        assert harness.runtime.worker.held == held + 1
        assert gateway.calls["before"] == 1
        await recovered(harness, gateway)
        assert gateway.calls["before"] == 2
        assert harness.runtime.metrics.totals().handled == 22
        assert len(harness.events(StockReleased)) == 21
        assert nothing_was_given_up(harness)


async def test_its_partition_is_fetched_no_further_once_enough_of_it_wait():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await outage(harness, gateway)
        held = harness.runtime.worker.held
        await harness.deliver(*[cancelled(f"later-{n}") for n in range(50)])
        assert harness.runtime.worker.held == held
        await recovered(harness, gateway)
        assert len(harness.events(StockReleased)) == 70


async def test_a_poisonous_message_that_comes_first_does_not_keep_the_breaker_open():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        gateway.poisonous.add("o-0")
        await outage(harness, gateway)
        await recovered(harness, gateway)
        assert len(harness.events(StockReleased)) == 19
        assert gateway.calls["o-0"] >= 2
        assert harness.dead_letters == []


async def test_poison_alone_goes_to_the_policy_once_it_works_for_others():
    gateway = Gateway()
    gateway.poisonous.add("bad")
    async with Harness(service_on(gateway, attempts=2)) as harness:
        await harness.deliver(cancelled("bad"))
        await harness.advance(20 * SECOND)
        assert nothing_was_given_up(harness)
        await harness.deliver(cancelled("good"))
        await harness.advance(10 * SECOND)
        assert len(harness.retries) == 1
        for number in range(5):
            await harness.deliver(cancelled(f"good-{number}"))
            await harness.advance(5 * SECOND)
        assert len(harness.dead_letters) == 1


async def test_another_error_than_its_own_goes_to_the_policy_and_opens_nothing():
    gateway = Gateway()
    gateway.bug = ValueError("a bug")
    async with Harness(service_on(gateway)) as harness:
        await harness.deliver(*[cancelled(f"o-{n}") for n in range(20)])
        await harness.advance(60 * SECOND)
        assert state_of(harness).phase is Phase.CLOSED
        assert len(harness.dead_letters) == 20


async def test_a_clients_own_exception_counts_where_it_is_declared():
    gateway = Gateway()
    gateway.bug = ConnectionResetError("gone")
    async with Harness(service_on(gateway, Dependency("gateway", errors=(ConnectionError,)))) as harness:
        await harness.deliver(*[cancelled(f"o-{n}") for n in range(20)])
        await harness.advance(10 * SECOND)
        assert state_of(harness).phase is Phase.OPEN
        assert nothing_was_given_up(harness)


async def test_a_lost_prober_holds_the_next_probe_up_no_longer_than_its_handler_may_take():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await outage(harness, gateway)
        now = harness.clock.now()

        def lost(kept: BreakerState | None, _: object) -> tuple[BreakerState, None]:
            assert kept is not None
            return replace(kept, probe=Lease(holder="a worker that was killed", until=now + 31 * SECOND)), None

        await harness.breakers.change("gateway", lost)
        gateway.away = False
        calls = gateway.calls.total()
        await harness.advance(30 * SECOND)
        assert gateway.calls.total() == calls
        await harness.advance(20 * SECOND)
        assert len(harness.events(StockReleased)) == 20


async def test_a_prober_that_loses_its_partition_gives_the_lease_back():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await outage(harness, gateway)
        gateway.hangs = True
        harness.clock.move_to(harness.clock.now() + 2 * SECOND)
        async with asyncio.timeout(10):
            while state_of(harness).probe is None:  # noqa: ASYNC110 - what hangs never settles
                await asyncio.sleep(0.001)
        gateway.hangs = False
        harness.ledger.wipe()
        await harness.deliver(PaymentDeclined(order_id="w-1", reason="x"))  # hears of the new epoch, and rejoins
        assert state_of(harness).probe is None
        await recovered(harness, gateway)
        assert len(harness.events(StockReleased)) == 20
        assert nothing_was_given_up(harness)


async def test_what_is_held_of_a_revoked_partition_is_dropped_and_fetched_again():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await outage(harness, gateway)
        calls = gateway.calls.total()
        harness.ledger.wipe()
        await harness.deliver(PaymentDeclined(order_id="w-1", reason="x"))
        assert state_of(harness).phase is Phase.OPEN
        assert gateway.calls.total() <= calls + 1
        await recovered(harness, gateway)
        assert len(harness.events(StockReleased)) == 20
        assert harness.broker.topics["inventory.retry.1"] == []


async def test_a_gateway_that_takes_fewer_calls_is_called_less_and_nothing_is_given_up():
    clock = ManualClock()
    gateway = Gateway(clock)
    gateway.per_second = 20
    async with Harness(service_on(gateway), clock=clock) as harness:
        await harness.deliver(*[cancelled(f"o-{n}") for n in range(150)])
        await harness.advance(40 * SECOND)
        assert len(harness.events(StockReleased)) == 150
        assert nothing_was_given_up(harness)
        assert gateway.refused <= 40


async def test_a_declared_rate_is_never_exceeded():
    clock = ManualClock()
    gateway = Gateway(clock)
    gateway.per_second = 20
    settings = Settings(rates={"gateway": 20})
    async with Harness(service_on(gateway), clock=clock, settings=settings) as harness:
        await harness.deliver(*[cancelled(f"o-{n}") for n in range(60)])
        await harness.advance(10 * SECOND)
        assert len(harness.events(StockReleased)) == 60
        assert gateway.refused == 0


async def test_while_the_shared_state_is_away_each_worker_decides_alone():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await harness.deliver(cancelled("before"))
        harness.breakers.unavailable = True
        await outage(harness, gateway)
        assert gateway.calls.total() <= 1 + GATEWAY.concurrency + WINDOW + 2
        harness.breakers.unavailable = False
        await harness.advance(SECOND)
        assert (await harness.breakers.states())["gateway"].phase is Phase.OPEN
        await recovered(harness, gateway)
        assert len(harness.events(StockReleased)) == 21


async def test_a_wiped_shared_state_is_told_again():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await outage(harness, gateway)
        harness.breakers.wipe()
        await harness.advance(3 * SECOND)
        assert (await harness.breakers.states())["gateway"].phase is Phase.OPEN


async def test_in_quiet_times_nobody_asks_before_a_run():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await harness.deliver(cancelled("first"))
        changes = harness.breakers.changes
        await harness.deliver(*[cancelled(f"o-{n}") for n in range(50)])
        assert harness.breakers.changes == changes
        assert gateway.calls.total() == 51


async def test_a_provider_that_says_how_it_is_is_asked_instead_of_a_message():
    gateway = Gateway()
    gateway.healthy = gateway.is_healthy
    service = Service("inventory", tables=MetaData())

    async def release(cancelled: OrderCancelled, gateway: Gateway) -> None:
        await gateway.ask(cancelled.order_id)

    service.on(OrderCancelled, depends_on="gateway")(release)
    async with Harness(service, provide={Gateway: gateway}) as harness:
        await outage(harness, gateway)
        calls = gateway.calls.total()
        await harness.advance(20 * SECOND)
        assert gateway.calls.total() == calls
        assert gateway.asked_how_it_is >= 8
        await recovered(harness, gateway)
        assert harness.runtime.metrics.totals().handled == 20


async def test_a_handler_that_needs_two_waits_for_the_one_that_is_away_without_keeping_the_others_places():
    one, two = Gateway(), Gateway()
    both = Service("inventory")

    async def release(cancelled: OrderCancelled) -> None:
        await one.ask(cancelled.order_id)
        await two.ask(cancelled.order_id)

    async def refuse(declined: PaymentDeclined) -> CancellationRefused:
        await one.ask(declined.order_id)
        return CancellationRefused(order_id=declined.order_id, reason="x")

    one.name, two.name = "one", "gateway"
    both.on(OrderCancelled, depends_on=("one", "gateway"))(release)
    both.on(PaymentDeclined, depends_on="one")(refuse)
    async with Harness(both) as harness:
        await outage(harness, two, orders=30)
        await harness.deliver(*[PaymentDeclined(order_id=f"w-{n}", reason="x") for n in range(20)])
        assert len(harness.events(CancellationRefused)) == 20
        assert harness.runtime.gate.doors["one"].session.phase is Phase.CLOSED
        two.away = False
        await harness.advance(30 * SECOND)
        assert harness.runtime.metrics.totals().handled == 50


async def test_a_message_that_the_inbox_remembers_says_nothing_about_the_gateway():
    gateway = Gateway()
    service = Service("inventory", tables=MetaData())

    async def release(cancelled: OrderCancelled) -> None:
        await gateway.ask(cancelled.order_id)

    service.on(OrderCancelled, depends_on="gateway")(release)
    async with Harness(service) as harness:
        await harness.deliver(cancelled("o"), event_id="e")
        harness.ledger.wipe()
        await harness.deliver(cancelled("o"), event_id="e")
        await harness.advance(SECOND)
        assert state_of(harness).successes == 1


async def test_a_run_that_calls_nothing_does_not_end_an_outage_once_calls_are_noted():
    gateway = Gateway()
    gateway.notes = True
    async with Harness(service_on(gateway)) as harness:
        gateway.ignored.update(f"idle-{n}" for n in range(20))
        gateway.away = True
        await harness.deliver(*[cancelled(f"o-{n}") for n in range(20)], *[cancelled(f"idle-{n}") for n in range(20)])
        await harness.advance(10 * SECOND)
        assert state_of(harness).phase is Phase.OPEN
        assert state_of(harness).transitions == 1


async def test_what_waits_is_to_be_seen():
    gateway = Gateway()
    async with Harness(service_on(gateway)) as harness:
        await outage(harness, gateway)
        told = (await harness.http.get("/status")).json()["breakers"]["gateway"]
        assert (told["state"], told["waiting"] >= 16, told["shared"]) == ("open", True, "ok")
        assert "the gateway did not answer" in told["reason"]
        metrics = (await harness.http.get("/metrics")).text
        assert 'farandole_breaker_state{dependency="gateway",service="inventory",state="open"} 1.0' in metrics
        assert 'farandole_breaker_transitions_total{dependency="gateway",service="inventory",to="open"} 1.0' in metrics
        assert 'farandole_breaker_paused_partitions{service="inventory"} 1.0' in metrics


def test_one_name_cannot_mean_two_things():
    service = Service("inventory")
    service.on(OrderCancelled, depends_on=Dependency("gateway", rate=5))(service_on(Gateway()).handlers[0].function)
    service.on(PaymentDeclined, depends_on=Dependency("gateway", rate=6))(service_on(Gateway()).handlers[1].function)
    with pytest.raises(StartError, match="E127"):
        dependencies_of(service.handlers)


def test_a_name_alone_means_what_another_handler_says_of_it():
    service = Service("inventory")
    fast = Dependency("gateway", rate=500)
    service.on(OrderCancelled, depends_on="gateway")(service_on(Gateway()).handlers[0].function)
    service.on(PaymentDeclined, depends_on=fast)(service_on(Gateway()).handlers[1].function)
    assert dependencies_of(service.handlers) == {"gateway": fast}


async def test_customers_whose_quota_is_used_up_for_an_hour_keep_nobody_else_waiting():
    heard: list[str] = []
    service = Service("inventory")

    async def release(event: OrderCancelled) -> None:
        if event.order_id.startswith("greedy") and harness.clock.now() < an_hour:
            raise Throttled("your quota is used up", after=3600 * SECOND)
        heard.append(event.order_id)

    service.on(OrderCancelled, depends_on=GATEWAY)(release)
    async with Harness(service) as harness:
        an_hour = harness.clock.now() + 3600 * SECOND
        await harness.deliver(*[cancelled(f"greedy-{n}") for n in range(40)])
        await harness.advance(300 * SECOND)
        await harness.deliver(cancelled("modest"))
        await harness.advance(60 * SECOND)
        assert heard == ["modest"]
        await harness.advance(2 * 3600 * SECOND)
        assert len(heard) == 41
