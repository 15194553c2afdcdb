"""Repeatable: the proof that a handler may run again on what it has handled: it leaves its database as it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import Table, select

from farandole import headers as names
from farandole.delivery import Record, Replay
from farandole.event import Event
from farandole.handler import Handler
from farandole.service import Service
from farandole.testing.harness import Harness

LATER: Final = timedelta(seconds=1)
"""A replay comes later than what it replays: a handler that writes the time shows."""

Rows: TypeAlias = Sequence[Mapping[str, Any]]
Books: TypeAlias = Mapping[str, Rows]


async def assert_repeatable(
    subject: Service | Harness,
    *events: Event,
    provide: Mapping[Any, Any] | None = None,
    ignoring: Collection[str] = (),
) -> None:
    """Have a service handle events, then each of them again, as a replay ``again`` does, and compare its database.

    The events are handled in order before the first is repeated, so give later ones of the same key too: what a replay
    of history repeats is mostly long past. A service runs in a harness of its own, with ``provide``; a harness with
    what it has handled already. ``ignoring`` names columns, as ``table.column``, that may differ: when a row was last
    looked at, say. Whether a handler declares ``on_replay="run"`` makes no difference here.

    Raises AssertionError, with a sentence, where a handler touches an outside system or fails, and where a row differs.
    """
    if isinstance(subject, Harness):
        await _prove(subject, events, frozenset(ignoring))
        return
    async with Harness(subject, provide=provide) as harness:
        await _prove(harness, events, frozenset(ignoring))


async def _prove(harness: Harness, events: Sequence[Event], ignoring: frozenset[str]) -> None:
    handlers = [_handler(harness.service, event) for event in events]
    records: list[Record] = []
    for event, handler in zip(events, handlers, strict=True):
        handled = harness.runtime.metrics.totals().handled
        records += await harness.deliver(event)
        _demand_handled(harness, handler, handled, "the first time")
    await harness.advance(LATER)
    for number, (record, handler) in enumerate(zip(records, handlers, strict=True)):
        before, handled = await _books(harness, ignoring), harness.runtime.metrics.totals().handled
        await harness.replay(record, Replay(id=f"repeat-{number}", effects=True))
        _demand_handled(harness, handler, handled, "again")
        _demand_equal(handler, before, await _books(harness, ignoring))


def _handler(service: Service, event: Event) -> Handler:
    if service.tables is None:
        raise AssertionError(f"{service.name} has no database that a handler could leave as it was")
    handler = next((one for one in service.handlers if one.event is type(event)), None)
    if handler is None:
        raise AssertionError(f"{service.name} does not hear {type(event).__name__}")
    if handler.depends_on:
        raise AssertionError(
            f"{handler.name} depends on {handler.depends_on[0].name}: what it does there again no database shows"
        )
    return handler


def _demand_handled(harness: Harness, handler: Handler, before: int, when: str) -> None:
    if harness.runtime.metrics.totals().handled > before:
        return
    failed = [*harness.retries, *harness.dead_letters]
    latest = max(failed, key=lambda record: record.appended, default=None)
    told = {} if latest is None else dict(latest.headers)
    why = told.get(names.ERROR_MESSAGE, b"it has not ended, and waits").decode("utf-8", "replace")
    raise AssertionError(f"{handler.name} did not handle its event {when}: {why}")


async def _books(harness: Harness, ignoring: frozenset[str]) -> Books:
    assert harness.store is not None
    assert harness.service.tables is not None
    books: dict[str, Rows] = {}
    async with harness.store.reading() as work:
        for table in harness.service.tables.sorted_tables:
            rows = (await work.execute(select(table).order_by(*_order(table)))).mappings()
            books[table.name] = [_kept(table.name, row, ignoring) for row in rows]
    return books


def _order(table: Table) -> Iterable[Any]:
    return tuple(table.primary_key) or tuple(table.c)


def _kept(table: str, row: Mapping[Any, Any], ignoring: frozenset[str]) -> Mapping[str, Any]:
    return {str(name): value for name, value in row.items() if f"{table}.{name}" not in ignoring}


def _demand_equal(handler: Handler, before: Books, after: Books) -> None:
    for table, rows in before.items():
        gone = [row for row in rows if row not in after[table]]
        come = [row for row in after[table] if row not in rows]
        if gone or come or len(rows) != len(after[table]):
            raise AssertionError(
                f"{handler.name} is not repeatable: it ran again and changed `{table}`; {_told(gone, come)}"
            )


def _told(gone: Rows, come: Rows) -> str:
    if gone and come:
        differing = {name: (old, come[0].get(name)) for name, old in gone[0].items() if old != come[0].get(name)}
        return ", ".join(f"`{name}` was {old!r} and is {new!r}" for name, (old, new) in differing.items())
    if come:
        return f"there is a row more: {dict(come[0])}"
    return f"there is a row less: {dict(gone[0])}" if gone else "a row came or went that another one equals"
