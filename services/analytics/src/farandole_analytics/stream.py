"""Stream: the Faust application that reads orders and keeps the table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, cast

import faust
from farandole.delivery import Coordinates, Record
from farandole.headers import kept
from farandole.settings import Settings

from farandole_analytics.credentials import credentials
from farandole_analytics.settings import AnalyticsSettings
from farandole_analytics.topics import ORDERS, TABLE

MOST_BUFFERED: Final = 10_000


class DurableTable(faust.Table[bytes, bytes]):
    """A table that can say when its latest change is durable."""

    latest_change: Any = None

    def send_changelog(self, *args: Any, **kwargs: Any) -> Any:
        """Send a change to the log, and keep its future: it ends when the brokers have acknowledged it."""
        self.latest_change = super().send_changelog(*args, **kwargs)
        return self.latest_change


def create_app(settings: Settings, own: AnalyticsSettings, *, name: str) -> faust.App:
    """Return the application, without its agent. It makes no topic; all of them must be there.

    ``name`` is its consumer group, and what the log of its table is named after.
    """
    app = faust.App(
        name,
        broker=[f"kafka://{one.strip()}" for one in settings.brokers.split(",")],
        broker_credentials=credentials(settings),
        # Exactly-once lost events on kill -9; the ids within the table's values do what it promised.
        processing_guarantee="at_least_once",
        # A crashed worker is missed after ten seconds; with Faust's own values it takes over half a minute.
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        # What was not counted must not be committed, whatever ended it.
        stream_ack_exceptions=False,
        stream_ack_cancelled_tasks=False,
        store="memory://",
        datadir=str(own.home / name),
        table_standby_replicas=0,
        web_enabled=False,
        autodiscover=False,
        worker_redirect_stdouts=False,
        Table=DurableTable,
    )
    app.producer.buffer.max_messages = MOST_BUFFERED
    return app


def create_table(app: faust.App, *, partitions: int) -> DurableTable:
    """Return the table, which has as many partitions as the orders."""
    table: Any = app.Table(TABLE, partitions=partitions, key_type=bytes, value_type=bytes)
    return cast("DurableTable", table)


def follow(
    app: faust.App,
    table: DurableTable,
    *,
    take: Callable[[Record], bool],
    durable: Callable[[Record], None],
    recovered: Callable[[], None],
) -> None:
    """Give every order record to ``take``, one at a time, after ``recovered`` was called.

    ``take`` returns whether it changed the table. A record is acknowledged when its change is durable: Faust's own
    commit may run ahead of the log when the brokers are slow, and a crash then loses the count. An exception of
    ``take`` ends the application. ``durable`` is called for each record that is. ``recovered`` is called whenever the
    table was read anew.
    """

    async def told() -> None:
        recovered()

    async def count(stream: Any) -> None:
        async for event in stream.noack().events():
            record = _record(event)
            try:
                changed = take(record)
            except Exception as error:
                await app.crash(error)
                raise
            if changed:
                table.latest_change.add_done_callback(_acknowledging(app, event, partial(durable, record)))
            else:
                event.ack()
                durable(record)

    table.on_recover(told)
    orders = app.topic(
        ORDERS, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", allow_empty=True
    )
    app.agent(orders, concurrency=1, name="analytics.count")(count)


def _acknowledging(app: faust.App, event: Any, durable: Callable[[], None]) -> Callable[[Any], None]:
    def acknowledge(change: Any) -> None:
        if change.cancelled():
            return
        if change.exception() is None:
            event.ack()
            durable()
        else:
            # Its count is in memory only: start again from what is durable.
            app.add_future(app.crash(change.exception()))

    return acknowledge


def _record(event: Any) -> Record:
    message = event.message
    return Record(
        coordinates=Coordinates(topic=message.topic, partition=message.partition, offset=message.offset),
        key=event.key,
        value=event.value,
        headers=kept(message.headers or ()),
        appended=datetime.fromtimestamp(message.timestamp, UTC),
    )
