"""Promises: what flows owe, kept beside the index and changed in its transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from farandole.expectation import Expectation
from farandole.metrics import Metrics
from farandole.store import Store, UnitOfWork
from sqlalchemy import and_, delete, func, select, tuple_, update

from farandole_console.live.declared import Declarations
from farandole_console.promises.promise import Met, Pause, Promise, Standing, Stuck, Unread, Waiting, judge
from farandole_console.promises.tables import pause, promise, watch
from farandole_console.sighting import Sighting
from farandole_console.tables import event, flow

log = structlog.get_logger(__name__)

MOST_JUDGED: Final = 200
LOOK_AGAIN: Final = timedelta(seconds=5)
STUCK_AGAIN: Final = timedelta(seconds=30)
LONGEST_SILENCE: Final = timedelta(seconds=10)
"""Two looks that lie further apart have a pause between them: who knows what stood still."""
SETTLING: Final = timedelta(seconds=10)
"""What the services get after a pause to take up their work."""
BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)

FindUnread = Callable[[Mapping[str, Any], Expectation], Unread | None]


class Promises:
    """The promises of one index. Safe for concurrent use, also by several replicas on one database."""

    def __init__(self, store: Store, declarations: Declarations, metrics: Metrics) -> None:
        self._store = store
        self._declarations = declarations
        self._metrics = metrics

    async def take(self, work: UnitOfWork, sightings: Sequence[Sighting]) -> None:
        """Note what these new events promise, and forget what they keep; in the transaction that indexes them."""
        expectations = self._declarations.expected.expectations.values()
        rows = {
            (one.flow_id, each.key): {
                "flow_id": one.flow_id,
                "expectation": each.key,
                "began": one.appended,
                "look": one.appended + each.within,
                "why": "",
            }
            for each in expectations
            for one in sorted(sightings, key=lambda one: one.appended, reverse=True)
            if one.type == each.first
        }
        if rows:
            await work.execute(work.insert(promise).on_conflict_do_nothing(), list(rows.values()))
        kept = {
            (one.flow_id, each.key): one.appended for each in expectations for one in sightings if one.type in each.then
        }
        if kept:
            mine = tuple_(promise.c.flow_id, promise.c.expectation).in_(list(kept))
            gone = await work.execute(
                delete(promise)
                .where(mine)
                .returning(promise.c.flow_id, promise.c.expectation, promise.c.began, promise.c.stuck_since)
            )
            for row in gone.mappings():
                self._kept(dict(row), kept[row["flow_id"], row["expectation"]])

    async def are_due(self, now: datetime) -> bool:
        """Tell whether any promise is to be judged."""
        async with self._store.reading() as work:
            return (
                await work.execute(select(promise.c.look).where(promise.c.look <= now).limit(1))
            ).first() is not None

    async def watched(self, now: datetime) -> None:
        """Note a look that found everything in order; what lies between it and the one before may be a pause."""
        async with self._store.transaction() as work:
            last = await work.scalar(select(watch.c.at).where(watch.c.id == 1))
            if last is None or now - last > LONGEST_SILENCE:
                ended = now if last is None else now + SETTLING
                row = {"began": last or BEFORE_ALL, "ended": ended}
                await work.execute(work.insert(pause).values(row).on_conflict_do_nothing())
                # A pause from before every promise that is still open changes nothing any more.
                oldest = select(func.min(promise.c.began)).scalar_subquery()
                await work.execute(delete(pause).where(pause.c.ended < func.coalesce(oldest, row["began"])))
                if last is not None:
                    log.warning("the flows were not watched, or stood still; it does not count", since=str(last))
            if last is None:
                await work.execute(work.insert(watch).values(id=1, at=now).on_conflict_do_nothing())
            else:
                await work.execute(update(watch).where(watch.c.id == 1).values(at=now))

    async def judge_due(self, now: datetime, unread: FindUnread) -> int:
        """Judge the promises that are to be judged; return how many there were, `MOST_JUDGED` at most."""
        async with self._store.transaction() as work:
            due = select(promise).where(promise.c.look <= now).order_by(promise.c.look).limit(MOST_JUDGED)
            rows = (await work.execute(work.for_update(due))).mappings().all()
            if not rows:
                return 0
            pauses = [Pause(**row) for row in (await work.execute(select(pause).order_by(pause.c.began))).mappings()]
            events = await _events_of(work, {row["flow_id"] for row in rows})
            for row in rows:
                await self._judge(work, dict(row), events.get(row["flow_id"], []), pauses, now, unread)
        return len(rows)

    async def stuck(self, *, limit: int) -> Sequence[Mapping[str, Any]]:
        """Return the stuck flows, those that are stuck longest first, as JSON."""
        query = (
            select(promise, flow.c.subject, flow.c.last_type, flow.c.latest)
            .join_from(promise, flow, promise.c.flow_id == flow.c.id, isouter=True)
            .where(promise.c.stuck_since.is_not(None))
            .order_by(promise.c.stuck_since)
            .limit(limit)
        )
        async with self._store.reading() as work:
            return [self._document(dict(row)) for row in (await work.execute(query)).mappings()]

    async def how_many_are_stuck(self) -> int:
        """Return how many promises are overdue."""
        query = select(func.count()).select_from(promise).where(promise.c.stuck_since.is_not(None))
        async with self._store.reading() as work:
            return int(await work.scalar(query) or 0)

    async def count(self) -> None:
        """Show in the metrics how many flows are stuck, by expectation."""
        query = select(promise.c.expectation, func.count().label("flows")).where(promise.c.stuck_since.is_not(None))
        async with self._store.reading() as work:
            found: dict[str, int] = {
                row.expectation: row.flows for row in await work.execute(query.group_by(promise.c.expectation))
            }
        for key, each in self._declarations.expected.expectations.items():
            self._metrics.stuck_flows(each.service, each.name, found.get(key, 0))

    async def _judge(  # noqa: PLR0917 - what is known of one promise
        self,
        work: UnitOfWork,
        row: Mapping[str, Any],
        events: Sequence[Mapping[str, Any]],
        pauses: Sequence[Pause],
        now: datetime,
        unread: FindUnread,
    ) -> None:
        this = and_(promise.c.flow_id == row["flow_id"], promise.c.expectation == row["expectation"])
        each = self._declarations.expected.expectations.get(row["expectation"])
        if each is None:  # nobody expects it any more
            await work.execute(delete(promise).where(this))
            return
        held = Pause(began=row["held_from"], ended=row["held_until"]) if row["held_from"] else None
        found = [one for one in (unread(event_row, each) for event_row in events) if one is not None]
        kept = [one["appended"] for one in events if one["type"] in each.then]
        judged = judge(
            Promise(flow_id=row["flow_id"], expectation=each.key, began=row["began"], held=held),
            Standing(now=now, within=each.within, is_met=bool(kept), unread=found, pauses=pauses),
        )
        told = {"flow": row["flow_id"], "expectation": each.name, "service": each.service}
        match judged:
            case Met():
                await work.execute(delete(promise).where(this))
                self._kept(row, min(kept))
            case Waiting(why=why, due=due, held=held):
                if row["stuck_since"] is not None:
                    log.info("a flow moves again", **told, why=why)
                # A look that lies behind would come again at once, and keep others from being looked at.
                look = max(min(due, now + LOOK_AGAIN) if found else due, now + timedelta(seconds=1))
                values: dict[str, Any] = {
                    "look": look,
                    "why": why,
                    "stuck_since": None,
                    "held_from": held.began if held else None,
                    "held_until": held.ended if held else None,
                }
                await work.execute(update(promise).where(this).values(values))
            case Stuck(why=why, due=due):
                if row["stuck_since"] is None:
                    log.error("a flow is stuck", **told, due=str(due), why=why, do=f"farandole flow {row['flow_id']}")
                since = row["stuck_since"] or due
                values = {"look": now + STUCK_AGAIN, "why": why, "stuck_since": since}
                await work.execute(update(promise).where(this).values(values))

    def _kept(self, row: Mapping[str, Any], at: datetime) -> None:
        each = self._declarations.expected.expectations.get(row["expectation"])
        if each is None:
            return
        self._metrics.flow_took(each.service, each.name, max(at - row["began"], timedelta(0)))
        if row["stuck_since"] is not None:
            log.info("a stuck flow went on, and what was expected happened", flow=row["flow_id"], expectation=each.name)

    def _document(self, row: Mapping[str, Any]) -> dict[str, Any]:
        each = self._declarations.expected.expectations.get(row["expectation"])
        return {
            "flow": row["flow_id"],
            "key": row["subject"],
            "expectation": each.name if each else row["expectation"],
            "service": each.service if each else None,
            "place": each.place if each else None,
            "began": row["began"].isoformat(),
            "stuck_since": row["stuck_since"].isoformat(),
            "why": row["why"],
            "last_type": row["last_type"],
            "latest": row["latest"].isoformat() if row["latest"] else None,
            "do": f"farandole audit, and farandole replay plan --id of the last event of {row['flow_id']}",
        }


async def _events_of(work: UnitOfWork, flows: set[str]) -> dict[str, list[Mapping[str, Any]]]:
    columns = (event.c.flow_id, event.c.type, event.c.topic, event.c.partition, event.c.offset, event.c.appended)
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in (await work.execute(select(*columns).where(event.c.flow_id.in_(flows)))).mappings():
        found.setdefault(row["flow_id"], []).append(dict(row))
    return found
