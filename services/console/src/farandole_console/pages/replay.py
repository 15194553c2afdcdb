"""Replay: history delivered again to one service: chosen, planned, run, watched, as the commands do it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final, cast, get_args
from urllib.parse import quote

from farandole import installed
from farandole.clock import SystemClock
from farandole.desk import service_here
from farandole.errors import FarandoleError, UsageError
from farandole.operations import Operation
from farandole.operations.audit_record import Wish
from farandole.replay.book import Book, demand_open
from farandole.replay.executing import Execution, Executor
from farandole.replay.fate import Fate
from farandole.replay.ground import opened
from farandole.replay.plan import Plan
from farandole.replay.planner import demand_heard, make_plan, topics_heard
from farandole.replay.receipt import Outcome, Progress, kept_receipt
from farandole.replay.story import Story
from farandole.replay.words import WHY, is_running_now, question, standing
from farandole.selection import resolve
from farandole.service import Service
from farandole.wire_schemas import catalogue_of
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from farandole_console.access.form import form_of
from farandole_console.acting.action import Action
from farandole_console.acting.actor import Actor
from farandole_console.acting.jobs import Job, Jobs, Work
from farandole_console.acting.mesh import Mesh
from farandole_console.frame.frame import Frame
from farandole_console.replaying.wanted import Wanted, wanted_of

SHOWN: Final = 50
WAIT: Final = timedelta(minutes=1)
SEE_OTHER: Final = 303


def replay_page(frame: Frame, jobs: Jobs, actor: Actor, mesh: Mesh) -> APIRouter:
    """Return the routes of the pages."""

    async def show_form(request: Request) -> Response:
        wanted = wanted_of(request.query_params)
        failure: FarandoleError | None = None
        if wanted.service:
            try:
                await asyncio.to_thread(_demand_sound, wanted, mesh)
            except UsageError as wrong:
                failure = wrong
        async with mesh.audit() as audit:
            stories = (await Book(audit).all())[-SHOWN:]
        return frame.page(
            request,
            "replay/form.html",
            said=wanted.said,
            services=[one.name for one in await asyncio.to_thread(installed.services) if one.handlers],
            failure=failure,
            plan=wanted.action() if wanted.service and failure is None else None,
            stories=[*reversed(stories)],
            actor=actor,
        )

    async def plan(request: Request) -> Response:
        wanted = wanted_of(form_of(request))
        operation = actor.operation(request, wanted.action())
        service = await asyncio.to_thread(_service, wanted.service)
        async with opened(mesh.target([service]), service) as ground:
            selection = resolve(wanted.request(), ground.catalogue, topics=topics_heard(service))
            made = await make_plan(ground, selection, wanted.terms(), by=operation.who, clock=SystemClock())
        async with mesh.audit() as audit:
            await Book(audit).keep(made)
        return RedirectResponse(_path(made), SEE_OTHER)

    async def show(request: Request, plan_id: str) -> Response:
        story = await _story(mesh, plan_id)
        is_running = await is_running_now(mesh.target(), story)
        return frame.page(
            request,
            "replay/plan.html",
            story=story,
            plan=story.plan,
            fates=[(story.plan.counts.of(fate), fate.value, WHY[fate]) for fate in Fate if story.plan.counts.of(fate)],
            stands=standing(story, is_running=is_running),
            is_running=is_running,
            job=jobs.get(plan_id),
            receipt=kept_receipt(story),
            acts=_acts(story, actor, is_running=is_running),
            actor=actor,
        )

    async def run(request: Request, plan_id: str) -> Response:
        story = await _story(mesh, plan_id)
        demand_open(story, "run")
        operation = actor.operation(request, _running(story.plan, actor), id_=plan_id)
        service = await asyncio.to_thread(_service, story.plan.service)
        await jobs.start(operation, _work(mesh, service, operation, story.plan))
        return RedirectResponse(_path(story.plan), SEE_OTHER)

    async def wish(request: Request, plan_id: str, wished: str) -> Response:
        if wished not in get_args(Wish):
            raise HTTPException(404, "a replay is paused, resumed or cancelled")
        story = await _story(mesh, plan_id)
        operation = actor.operation(request, _asking(story.plan, wished))
        async with mesh.audit() as audit:
            await Book(audit).ask(
                story, cast("Wish", wished), who=operation.who, why=operation.why, at=datetime.now(UTC)
            )
        return RedirectResponse(_path(story.plan), SEE_OTHER)

    router = APIRouter(prefix="/replay")
    router.add_api_route("", show_form, methods=["GET"])
    router.add_api_route("/plan", plan, methods=["POST"])
    router.add_api_route("/{plan_id}", show, methods=["GET"])
    router.add_api_route("/{plan_id}/run", run, methods=["POST"])
    router.add_api_route("/{plan_id}/{wished}", wish, methods=["POST"])
    return router


def _path(plan: Plan) -> str:
    return f"/replay/{quote(plan.id, safe='')}"


def _service(name: str) -> Service:
    found = service_here(name)
    if found is None:
        raise UsageError(
            f"{name} is not installed beside the console",
            why="only a service itself knows what its handlers hear",
            do="farandole replay plan …   where it is installed",
            code="E641",
        )
    return found


def _demand_sound(wanted: Wanted, mesh: Mesh) -> None:
    """Raise UsageError where the form asks for something that there cannot be; no broker is asked."""
    wanted.terms()
    service = _service(wanted.service)
    catalogue = catalogue_of(service, mesh.target([service]))
    demand_heard(resolve(wanted.request(), catalogue, topics=topics_heard(service)), service)


async def _story(mesh: Mesh, plan_id: str) -> Story:
    async with mesh.audit() as audit:
        return (await Book(audit).find(plan_id)).story


def _work(mesh: Mesh, service: Service, operation: Operation, plan: Plan) -> Work:
    async def work(job: Job) -> None:
        job.total = plan.counts.would_run

        def tell(progress: Progress, why: str) -> None:
            job.begun.set()
            job.tell(progress.planned - progress.left - job.done, why)

        def told(outcome: Outcome) -> None:
            job.begun.set()
            job.tell(0, f"all is sent; {outcome.done:,} done, {outcome.dead:,} dead")

        execution = Execution(operation=operation, wait=WAIT, tell=tell, told=told)
        async with opened(mesh.target([service]), service) as ground, mesh.audit() as audit:
            entry = await Book(audit).find(plan.id)
            await Executor(ground, audit, entry, execution, clock=SystemClock()).run()

    return work


def _acts(story: Story, actor: Actor, *, is_running: bool) -> list[Action]:
    """Return what may be done about a plan now."""
    plan = story.plan
    if story.state.is_final or not plan.counts.would_run:
        return []
    if not is_running:
        return [_running(plan, actor), *([_asking(plan, "cancel")] if story.began else [])]
    held = story.wish == "pause" or story.state.value == "paused"
    return [_asking(plan, "resume" if held else "pause"), _asking(plan, "cancel")]


def _running(plan: Plan, actor: Actor) -> Action:
    asked = question(plan)
    return Action(
        kind="replay",
        service=plan.service,
        what=f"{asked[0].upper()}{asked[1:]}.",
        arguments=("replay", "run", plan.id),
        path=f"{_path(plan)}/run",
        button="Run it",
        word=plan.service if plan.needs_effects else actor.word(plan.service),
        harms=plan.needs_effects,
    )


def _asking(plan: Plan, wished: str) -> Action:
    what = {"pause": "Send no more for now.", "resume": "Go on where it was."}
    return Action(
        kind=wished,
        service=plan.service,
        what=what.get(wished, "End it for good. What was sent stays sent, and is handled."),
        arguments=("replay", wished, plan.id),
        path=f"{_path(plan)}/{wished}",
        button=f"{wished.capitalize()} it",
        harms=wished == "cancel",
    )
