"""RedriveRun: a redrive, from what somebody chose to what became of it: recorded first, and to be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from farandole.breaker import Phase, RedisBreakers
from farandole.clock import SystemClock
from farandole.desk.board import Board
from farandole.desk.choice import Choice, chosen, nothing_chosen
from farandole.desk.desk import Desk
from farandole.desk.place import Place
from farandole.desk.redrive import Redrive, blocked, nothing_to_send, shut
from farandole.desk.redrive_plan import RedrivePlan, confirmed, limited, planned, sent_before
from farandole.desk.redriving import Redriven, Redriving, Tell
from farandole.errors import FarandoleError
from farandole.operations import AuditTopic, Lease, Operation, Pace, Receipt, Redelivery, cancelled, recorded

AGAIN = timedelta(seconds=1)
Began = Callable[[RedrivePlan], None]
"""Told once the audit topic has the beginning, of what is sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A redrive that could be begun. ``away`` are the dependencies that are away, with the types that need each."""

    redrive: Redrive
    plan: RedrivePlan
    away: Mapping[str, list[str]]

    def demand_sendable(self) -> None:
        """Return if it can begin. Raises UsageError where nothing is sent, OperationError where a breaker is open."""
        if not self.plan.sends:
            raise nothing_to_send(self.plan)
        if self.away and not self.redrive.force:
            raise blocked(self.away)


async def prepared(
    where: Place,
    desk: Desk,
    board: Board,
    what: Choice,
    *,
    canary: int,
    rate: float,
    force: bool,
    pii: bool,
) -> Prepared:
    """Return what a redrive of these would do. Raises UsageError where they are none, or all; UnavailableError."""
    if what.is_everything:
        raise nothing_chosen()
    cases = await chosen(desk, board, what, pii=pii)
    plan = limited(planned(where.name, cases, force=force), what.limit)
    redrive = Redrive.of(what, plan, board, catalogue=desk.catalogue, canary=canary, rate=rate, force=force)
    states = await RedisBreakers.look(where.target.redis_url, cluster=desk.cluster)
    open_ = {name for name, state in states.items() if state.phase is Phase.OPEN}
    away = shut(plan, desk.handlers or {}, open_)
    return Prepared(redrive=redrive, plan=plan, away={name: list(types) for name, types in away.items()})


async def run(  # noqa: PLR0917 - each is what its name says
    where: Place,
    desk: Desk,
    topic: AuditTopic,
    operation: Operation,
    redrive: Redrive,
    plan: RedrivePlan,
    *,
    wait: timedelta,
    tell: Tell,
    began: Began,
    marks: Mapping[int, int] | None = None,
) -> Redriven:
    """Send what of a plan still stands and return what became of it; ``marks`` of one that was interrupted.

    Whoever asks for its end in the audit topic has it: nothing more is sent then. Raises OperationError where somebody
    else is at the service, UsageError where nothing is left to send, and UnavailableError.
    """
    target = where.target
    async with (
        Lease(target.redis_url, cluster=desk.cluster, operation=operation),
        Redelivery(target.connection, service=where.name, operation=operation.id) as redelivery,
    ):
        before = None if marks is None else await redelivery.sent(marks)
        # While it was asked whether this is meant, somebody may have edited a letter, or put it aside.
        cases = (await desk.reader.board()).cases
        plan = confirmed(plan, cases, force=redrive.force)
        earlier = () if before is None else sent_before(plan, cases, before, redrive.ends)
        if not plan.sends and marks is None:
            raise nothing_to_send(plan)
        details = {**redrive.document(), "plan": plan.document()}
        begin = await redelivery.marks() if marks is None else marks
        async with recorded(topic, operation, marks=begin, details=details, resumes=marks is not None) as receipt:
            began(plan)
            pace = Pace(redrive.rate, SystemClock())
            redriving = Redriving(desk.reader, redelivery, desk.outcomes, pace=pace, wait=wait, tell=tell)
            async with _heeding(topic, operation, redriving):
                ended = await redriving.run(plan, canary=redrive.canary, before=before, earlier=earlier)
            _note(receipt, ended)
    return ended


@asynccontextmanager
async def _heeding(topic: AuditTopic, operation: Operation, redriving: Redriving) -> AsyncGenerator[None]:
    async def heed() -> None:
        while True:
            try:
                await cancelled(topic, operation.id)
            except FarandoleError:
                await asyncio.sleep(AGAIN.total_seconds())  # whoever asks cannot be heard now, nor can anybody ask
            else:
                redriving.halt()
                return

    listening = asyncio.create_task(heed())
    try:
        yield
    finally:
        listening.cancel()


def _note(receipt: Receipt, ended: Redriven) -> None:
    receipt.counts.update(ended.counts)
    receipt.why = ended.stopped
    if ended.stopped:
        receipt.result = "cancelled"
