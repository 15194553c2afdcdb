"""Planner: makes a plan: freezes the logs, asks what became of every matched event, and counts what would come of it.

It reads only. The order of the look is the audit's: the logs' ends, the committed offsets, the records, and what
remembers them last; so what is counted as handled is, and what comes in meanwhile is not looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing

from farandole.clock import Clock
from farandole.engine.runtime import heard_topics, private_topics_of
from farandole.errors import UsageError
from farandole.operations import new_id
from farandole.replay.declared import handlers_digest
from farandole.replay.ground import Ground
from farandole.replay.mode import Mode
from farandole.replay.plan import Plan, PlannedSpan
from farandole.replay.planning import Planning
from farandole.replay.terms import Terms
from farandole.selection import Frozen, Reading, Selection, freeze, scan
from farandole.selection.frozen import nothing_selected
from farandole.selection.veil import veiled
from farandole.service import Service

Tell = Callable[[str], None]


def topics_heard(service: Service) -> tuple[str, ...]:
    """Return the domain topics that a service hears: what can be replayed to it."""
    private = private_topics_of(service).all
    return tuple(sorted(one for one in heard_topics(service) if one not in private))


def demand_heard(selection: Selection, service: Service) -> None:
    """Raise UsageError where the service does not hear a topic of the selection, or nothing by any handler."""
    if not service.handlers:
        raise UsageError(
            f"nothing can be replayed to {service.name}",
            why="it has no handlers; what observers are told is remembered by nobody",
            do=f"farandole replay rebuild --service {service.name}   where it is a read model",
            code="E534",
        )
    for topic in selection.topics:
        if topic not in topics_heard(service):
            raise UsageError(
                f"{service.name} does not hear {topic}",
                why=f"its handlers hear {', '.join(topics_heard(service)) or 'nothing'}",
                do="name one of these with --topic, or leave it out for all of them",
                code="E532",
            )


async def make_plan(
    ground: Ground, selection: Selection, terms: Terms, *, by: str, clock: Clock, tell: Tell = lambda _: None
) -> Plan:
    """Return what a replay of a selection would do. Nothing is written.

    Raises UsageError for a topic that is not there or not heard, and for a selection of no record at all;
    UnavailableError where Kafka, Redis or the database is away.
    """
    demand_heard(selection, ground.service)
    log = await ground.log()
    frozen = await asyncio.to_thread(freeze, log, selection)
    async with ground.judging(tell) as judging:
        await judging.look(selection.topics, with_emitted=_asks_the_topics(ground, terms))
        with closing(Planning(terms, judging)) as planning:
            batches = scan(log, frozen, selection, Reading(ground.catalogue, cluster=ground.cluster))
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                await planning.take([one.record for one in batch])
            return _plan(ground, selection, frozen, terms, planning, by=by, clock=clock)


def _asks_the_topics(ground: Ground, terms: Terms) -> bool:
    """Tell whether it has to be known what lies on the topics: all of it is read for that."""
    return terms.mode is Mode.MISSING or not ground.books.has_inbox


def _plan(
    ground: Ground,
    selection: Selection,
    frozen: Frozen,
    terms: Terms,
    planning: Planning,
    *,
    by: str,
    clock: Clock,
) -> Plan:
    counts, made = planning.counts(), clock.now()
    if counts.matched == 0:
        raise nothing_selected(selection)
    return Plan(
        id=new_id(made),
        service=terms.service,
        mode=terms.mode,
        effects=terms.effects,
        cascade=terms.cascade,
        with_not_provable=terms.with_not_provable,
        rate=terms.rate,
        selection=veiled(selection, ground.catalogue).document(),
        cluster=ground.cluster,
        topics=dict(frozen.topic_ids),
        spans=tuple(
            PlannedSpan(topic=one.topic, partition=one.number, start=span.start, end=span.end)
            for one, span in frozen.spans.items()
        ),
        digest=handlers_digest(ground.service),
        made=made,
        by=by,
        counts=counts,
        packed=planning.chosen().packed(),
    )
