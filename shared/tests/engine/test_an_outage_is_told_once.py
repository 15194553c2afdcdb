"""What is away is told once in a while for a partition, not for every delivery that waits: the log stays readable."""

from __future__ import annotations

from datetime import timedelta

from farandole import Service
from farandole.errors import StoreUnavailableError
from farandole.testing import Harness
from farandole_events import OrderCancelled
from structlog.testing import capture_logs

MANY = 100


async def test_a_minute_without_the_database_does_not_flood_the_log() -> None:
    away, heard = True, set[str]()
    service = Service("told")

    async def listen(event: OrderCancelled) -> None:
        if away:
            raise StoreUnavailableError("the database of told does not answer")
        heard.add(event.order_id)

    service.on(OrderCancelled)(listen)
    async with Harness(service) as harness:
        with capture_logs() as told:
            await harness.deliver(
                *[OrderCancelled(order_id=f"o-{n}", customer_id="c", reason="x", cause="customer") for n in range(MANY)]
            )
            await harness.advance(timedelta(minutes=1))
        lines = [one for one in told if one["log_level"] != "debug"]
        assert [one["event"] for one in lines] == ["partition paused"]
        assert lines[0]["reason"] == "the database of told does not answer"
        away = False
        await harness.advance(timedelta(seconds=10))
        assert len(heard) == MANY
