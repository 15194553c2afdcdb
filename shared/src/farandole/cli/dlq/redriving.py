"""``farandole dlq redrive``: dead letters go to their service again, each once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter

from farandole.cli.acting import Acting, waited, who
from farandole.cli.dlq.places import Group, OneService, place
from farandole.cli.dlq.redrive_told import show_only_plan, show_plan, tell_ended
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context, mesh
from farandole.cli.output import say
from farandole.cli.progress import progress
from farandole.cli.selecting import Selecting
from farandole.contexts.context import Role
from farandole.desk import (
    Desk,
    Place,
    Redrive,
    RedrivePlan,
    choice,
    interrupted,
    opened,
    prepared,
    resumed,
    run,
)
from farandole.desk.redrive import KIND
from farandole.errors import UsageError
from farandole.operations import AuditTopic, Began, Ended, Operation, Outcome, Resumed
from farandole.operations.intent import command_line
from farandole.operations.pace import LEAST_RATE, MOST_RATE

NOTHING = Selecting()
NOBODY = Acting()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """The command line."""

    names: Sequence[str]
    service: str
    group: str
    selecting: Selecting
    acting: Acting
    canary: int
    rate: float
    wait: timedelta
    force: bool
    only_plan: bool
    resume: str
    home: Home
    context: Context
    json: bool


def redrive(
    *names: Annotated[str, Parameter(help="Ids of events, coordinates (topic|partition|offset) or fingerprints.")],
    service: OneService = "",
    group: Group = "",
    selecting: Selecting = NOTHING,
    acting: Acting = NOBODY,
    canary: Annotated[int, Parameter(help="Send so many first, and the others only if all of those are done.")] = 0,
    rate: Annotated[float, Parameter(help="How many a second at most.")] = 200.0,
    wait: Annotated[float, Parameter(help="Seconds to wait for outcomes, after the canary and at the end.")] = 60.0,
    force: Annotated[bool, Parameter(negative="", help="Also while a breaker is open.")] = False,
    plan: Annotated[bool, Parameter(negative="", help="Only show what would be sent; exits with 3.")] = False,
    resume: Annotated[str, Parameter(help="Go on with this redrive, which was interrupted.")] = "",
    home: Home = None,
    context: Context = "",
    json: Json = False,
) -> int:
    """Send dead letters to their service again: those that are open now, and none that comes in later.

    Sent twice, also from two terminals, each has one effect. Exits with 1 where one is dead again or the canary failed,
    with 4 where one has no outcome yet, or was not sent.
    """
    if canary < 0 or not LEAST_RATE <= rate <= MOST_RATE:  # which is false of what is no number, too
        raise UsageError(
            f"--canary takes a count, --rate a number from {LEAST_RATE:g} to {MOST_RATE:,.0f}", code="E503"
        )
    wanted = _Wanted(
        names=names,
        service=service,
        group=group,
        selecting=selecting,
        acting=acting,
        canary=canary,
        rate=rate,
        wait=waited(wait),
        force=force,
        only_plan=plan,
        resume=resume,
        home=home,
        context=context,
        json=json,
    )
    return asyncio.run(_resume(wanted) if resume else _begin(wanted))


async def _begin(wanted: _Wanted) -> int:
    names = wanted.names or ([wanted.group] if wanted.group else [])
    where = await place(wanted.service, names, home=wanted.home, context=wanted.context)
    where.demand_installed()
    if wanted.only_plan:
        operation = None
    else:
        where.target.demand_operator("redrive dead letters")
        operation = wanted.acting.operation(KIND, where.name, context=where.target.context)
    async with opened(where) as (desk, board):
        pii = where.target.role is Role.OPERATOR  # a plan may be looked at by others too
        what = choice(wanted.names, wanted.group, wanted.selecting.request(pii=pii), desk)
        ready = await prepared(
            where, desk, board, what, canary=wanted.canary, rate=wanted.rate, force=wanted.force, pii=pii
        )
        if operation is None:
            return show_only_plan(ready.plan, ready.away, ready.redrive, as_json=wanted.json)
        ready.demand_sendable()
        show_plan(ready.plan, ready.redrive)
        wanted.acting.make_sure(
            f"send {len(ready.plan.sends)} events to {where.name} again",
            word=where.name if where.target.production else "",
        )
        async with AuditTopic(where.target.connection) as topic:
            for one in interrupted(await topic.read(Began, Ended), where.name):
                say(f"{one.begun} has not ended; if it was killed: farandole dlq redrive --resume {one.operation}")
            return await _run(where, desk, topic, operation, ready.redrive, ready.plan, wanted)


async def _resume(wanted: _Wanted) -> int:
    target = mesh(wanted.context, wanted.home)
    target.demand_operator("redrive dead letters")
    async with AuditTopic(target.connection) as topic:
        began = resumed(await topic.read(Began, Ended, operation=wanted.resume), wanted.resume)
        redrive = Redrive.from_document(began.details)
        where = await place(began.begun.service, (), home=wanted.home, context=wanted.context)
        where.demand_installed()
        async with opened(where) as (desk, board):
            plan = redrive.left(desk.service, board.cases)
            if plan.sends:
                show_plan(plan, redrive)
            again = Resumed(
                operation=began.operation,
                at=datetime.now(UTC),
                who=who(),
                why=wanted.acting.reason,
                command=command_line(sys.argv),
            )
            await topic.append(again)
            return await _run(where, desk, topic, began.begun, redrive, plan, wanted, marks=began.marks)


async def _run(  # noqa: PLR0917 - each is what its name says, and there is one caller a way
    where: Place,
    desk: Desk,
    topic: AuditTopic,
    operation: Operation,
    redrive: Redrive,
    plan: RedrivePlan,
    wanted: _Wanted,
    *,
    marks: Mapping[int, int] | None = None,
) -> int:
    with progress("redrive", len(plan.sends)) as shown:

        def began(plan: RedrivePlan) -> None:
            say(f"redrive {operation.id}: {len(plan.sends)} events to {where.name}")

        def tell(sent: int, note: str) -> None:
            shown.note = note
            shown.advance(sent)

        ended = await run(
            where, desk, topic, operation, redrive, plan, wait=wanted.wait, tell=tell, began=began, marks=marks
        )
    tell_ended(operation, ended, as_json=wanted.json)
    if ended.stopped or ended.outcomes.get(Outcome.DEAD):
        return ExitCode.FAILED
    return ExitCode.OK if ended.is_settled else ExitCode.CHECK_FAILED
