"""What a handler may not do in a replay `again`: have anybody downstream hear of it, unless that was asked for.

Follow-ons are not all that a handler can emit: the outbox, which is for requests and timers, is within its reach too.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from farandole import Delivery, Outbox, Service, UnitOfWork
from farandole.delivery import Replay
from farandole.errors import StartError
from farandole.identity import replayed_id
from farandole.testing import Harness
from farandole_events import OrderCancelled, StockReleased
from sqlalchemy import MetaData

CANCELLED = OrderCancelled(order_id="o-1", customer_id="c-1", reason="x", cause="customer")


def service_with_an_outbox() -> Service:
    service = Service("replayed", tables=MetaData())
    service.emits(StockReleased)

    @service.on(OrderCancelled, on_replay="run")
    async def release(order: OrderCancelled, outbox: Outbox, work: UnitOfWork) -> None:
        await outbox.add(work, StockReleased(order_id=order.order_id, reservation_id="r", lines=()), event_id="n-1")

    return service


WITHOUT, NOTHING_MORE = False, ["n-1"]


@pytest.mark.parametrize(
    ("cascade", "expected"), [(WITHOUT, NOTHING_MORE), (True, ["n-1", replayed_id("n-1", replay_id="r-1")])]
)
async def test_what_it_puts_into_the_outbox_follows_the_rule_of_follow_ons(
    cascade: bool, expected: Sequence[str]
) -> None:
    async with Harness(service_with_an_outbox()) as harness:
        (record,) = await harness.deliver(CANCELLED)
        await harness.replay(record, Replay(id="r-1", cascade=cascade))
        assert harness.runtime.metrics.totals().handled == 2
        assert [one.envelope.id for one in harness.published] == expected


async def test_an_event_that_it_does_not_declare_is_a_failure_in_a_replay_too() -> None:
    service = Service("replayed")

    @service.on(OrderCancelled, on_replay="run")
    def answer(order: OrderCancelled, delivery: Delivery) -> StockReleased:
        right = StockReleased(order_id=order.order_id, reservation_id="r", lines=())
        return order if delivery.replay else right  # type: ignore[return-value] # pyright: ignore[reportReturnType]

    async with Harness(service) as harness:
        (record,) = await harness.deliver(CANCELLED)
        await harness.replay(record, Replay(id="r-1"))
        assert len(harness.dead_letters) == 1


def test_a_handler_with_an_outside_system_cannot_declare_that_it_runs_in_every_replay() -> None:
    service = Service("replayed")
    with pytest.raises(StartError, match="depends on gateway") as refused:

        @service.on(OrderCancelled, depends_on="gateway", on_replay="run")
        def charge(order: OrderCancelled) -> None: ...

    assert refused.value.code == "E133"


def test_an_id_that_no_replay_has_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be the id"):
        Replay(id="r\x1f1")
