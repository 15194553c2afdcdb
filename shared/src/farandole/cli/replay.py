"""``farandole replay``: deliver history again to one service: planned first, then exactly as planned."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from cyclopts import App, Parameter

from farandole import installed
from farandole.cli import replay_tables as tables
from farandole.cli.acting import Acting, waited
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context, mesh
from farandole.cli.output import print_json, say
from farandole.cli.replaying import KIND, ask, found, run_here
from farandole.cli.selecting import Selecting
from farandole.clock import SystemClock
from farandole.contexts.context import Role
from farandole.errors import UsageError
from farandole.operations import AuditTopic
from farandole.replay.book import Book
from farandole.replay.ground import opened
from farandole.replay.mode import Mode
from farandole.replay.plan import Plan
from farandole.replay.planner import make_plan, topics_heard
from farandole.replay.story import Story
from farandole.replay.terms import RATE, Terms
from farandole.replay.words import is_running_now

app = App(name="replay", help="Deliver history again to one service: planned first, then exactly as planned.")
app.command("farandole.cli.rebuilding:app", name="rebuild", help="Build a read model's store again, and switch over.")

Service = Annotated[str, Parameter(name="--service", help="The service that is replayed to.")]
PlanId = Annotated[str, Parameter(help="The plan's id, as `replay plan` printed it.")]


@app.command
def plan(
    *,
    service: Service,
    selecting: Selecting = Selecting(),  # noqa: B008 - frozen, and cyclopts reads it as the group of its fields
    mode: Annotated[
        Literal["missing", "again"],
        Parameter(help="What the service has not handled, or what it has, for a second time."),
    ] = "missing",
    effects: Annotated[
        bool, Parameter(negative="", help="again: run handlers that touch outside systems too.")
    ] = False,
    cascade: Annotated[bool, Parameter(negative="", help="again: publish follow-ons, under new ids.")] = False,
    include_not_provable: Annotated[
        bool, Parameter(negative="", help="Send what may have been handled and forgotten, too.")
    ] = False,
    rate: Annotated[float, Parameter(help="Records a second, at most.")] = RATE,
    acting: Acting = Acting(),  # noqa: B008 - as above
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Show what a replay would do, and keep that as a plan which `replay run` carries out exactly.

    Nothing is delivered. Ends with 3 where there is something to run, with 0 where everything is handled already.
    """
    one = installed.service(service)
    terms = Terms(
        service=service,
        mode=Mode(mode),
        effects=effects,
        cascade=cascade,
        with_not_provable=include_not_provable,
        rate=rate,
    )
    target = mesh(context, home, [one])
    who = acting.operation(KIND, service, needs_reason=False)

    async def made() -> Plan:
        async with opened(target, one) as ground:
            asked = selecting.selection(ground.catalogue, topics=topics_heard(one), pii=target.role is Role.OPERATOR)
            planned = await make_plan(ground, asked, terms, by=who.claimed or who.who, clock=SystemClock(), tell=say)
        if target.role is Role.OPERATOR:
            async with AuditTopic(target.connection) as audit:
                await Book(audit).keep(planned)
        else:
            say(f"the plan is not kept: the role of {target.context} is {target.role.value}")
        return planned

    planned = asyncio.run(made())
    if json:
        print_json(planned.document())
    else:
        tables.show_plan(planned)
    return ExitCode.CHANGES if planned.counts.would_run else ExitCode.OK


@app.command
def run(
    plan_id: PlanId,
    *,
    acting: Acting = Acting(),  # noqa: B008 - as above
    old: Annotated[bool, Parameter(negative="", help="Also where the plan is more than a day old.")] = False,
    wait: Annotated[float, Parameter(help="Seconds to wait for the outcomes once all is sent.")] = 60.0,
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Send exactly what a plan chose, wait for the outcomes, and print the receipt.

    Interrupted or killed, it goes on where it was with the same command; each record is sent once. Ends with 4 where
    the plan is stale, and where something that was sent is not done in the end.
    """
    within = waited(wait)
    target = mesh(context, home)
    target.demand_operator(f"run the plan {plan_id}")
    return asyncio.run(run_here(plan_id, target, acting, context, home, old=old, wait=within, as_json=json))


@app.command
def resume(
    plan_id: PlanId,
    *,
    acting: Acting = Acting(),  # noqa: B008 - as above
    old: Annotated[bool, Parameter(negative="", help="Also where the plan is more than a day old.")] = False,
    wait: Annotated[float, Parameter(help="Seconds to wait for the outcomes once all is sent.")] = 60.0,
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Have a paused replay go on: in the process that runs it, or here where none does any more."""
    within = waited(wait)
    target = mesh(context, home)
    target.demand_operator(f"resume the replay {plan_id}")

    async def resumed() -> int:
        entry = await found(target, plan_id)
        if await is_running_now(target, entry.story):
            return await ask(target, plan_id, "resume", acting, as_json=json)
        return await run_here(plan_id, target, acting, context, home, old=old, wait=within, as_json=json)

    return asyncio.run(resumed())


@app.command
def pause(
    plan_id: PlanId,
    *,
    acting: Acting = Acting(),  # noqa: B008 - as above
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Have the process that runs a replay send no more for now."""
    target = mesh(context, home)
    target.demand_operator(f"pause the replay {plan_id}")
    return asyncio.run(ask(target, plan_id, "pause", acting, as_json=json))


@app.command
def cancel(
    plan_id: PlanId,
    *,
    acting: Acting = Acting(),  # noqa: B008 - as above
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Have a replay end for good. What was sent by then stays sent, and is handled."""
    target = mesh(context, home)
    target.demand_operator(f"cancel the replay {plan_id}")
    return asyncio.run(ask(target, plan_id, "cancel", acting, as_json=json))


@app.command
def status(plan_id: PlanId = "", *, context: Context = "", home: Home = None, json: Json = False) -> int:
    """Show where a replay stands: the one that is named, else the latest."""
    target = mesh(context, home)

    async def looked() -> tuple[Story, bool]:
        async with AuditTopic(target.connection) as audit:
            book = Book(audit)
            if plan_id:
                story = (await book.find(plan_id)).story
            else:
                stories = await book.all()
                if not stories:
                    raise UsageError("nothing was planned on this mesh", do="farandole replay plan …", code="E535")
                story = stories[-1]
        return story, await is_running_now(target, story)

    story, is_running = asyncio.run(looked())
    if json:
        print_json(tables.story_document(story, is_running=is_running))
    else:
        tables.show_story(story, is_running=is_running)
    return ExitCode.OK


@app.command(name="ls")
def list_(*, service: Service = "", context: Context = "", home: Home = None, json: Json = False) -> int:
    """Show the plans of a mesh, the latest first, and where each stands."""
    target = mesh(context, home)

    async def looked() -> list[tuple[Story, bool]]:
        async with AuditTopic(target.connection) as audit:
            stories = [one for one in await Book(audit).all() if service in ("", one.plan.service)]
        return [(one, await is_running_now(target, one)) for one in reversed(stories)]

    shown = asyncio.run(looked())
    if json:
        print_json({"replays": [tables.story_document(one, is_running=running) for one, running in shown]})
    elif not shown:
        say("nothing was planned on this mesh")
    else:
        tables.show_stories(shown)
    return ExitCode.OK
