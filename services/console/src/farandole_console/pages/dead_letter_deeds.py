"""Dead-letter deeds: what the forms of the dead letters do, by the library's desk, as the commands do it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final

from farandole.desk import DISCARD, REOPEN, Deed, Place, RedrivePlan, changed, editable, edited, marked, opened, to_mark
from farandole.desk.choice import Choice
from farandole.desk.redrive_run import prepared, run
from farandole.errors import UsageError
from farandole.masking import Masking
from farandole.operations import AuditTopic, Operation
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from farandole_console.access.form import form_of
from farandole_console.acting.actor import Actor
from farandole_console.acting.jobs import Job, Jobs, Work
from farandole_console.dead_letters.boards import Boards
from farandole_console.dead_letters.chosen import Chosen, chosen_of, deed
from farandole_console.dead_letters.leaves import assignments
from farandole_console.pages.jobs import job_path

Route = Callable[[Request, str], Coroutine[Any, Any, Response]]

WAIT: Final = timedelta(minutes=5)
SEE_OTHER: Final = 303


def dead_letter_deeds(boards: Boards, actor: Actor, jobs: Jobs) -> APIRouter:
    """Return the routes that the forms are sent to."""

    async def redrive(request: Request, service: str) -> Response:
        chosen = chosen_of(service, form_of(request))
        operation = actor.operation(request, deed(chosen, "redrive", "", word=actor.word(service)))
        where = await boards.place(service)
        where.demand_installed()

        await jobs.start(operation, _sending(boards, where, chosen, operation))
        return RedirectResponse(job_path(operation.id), SEE_OTHER)

    def marking(how: Deed) -> Route:
        async def mark(request: Request, service: str) -> Response:
            chosen = chosen_of(service, form_of(request))
            operation = actor.operation(request, deed(chosen, how.name, "", word=actor.word(service)))
            where = await boards.place(service)
            where.demand_installed()
            async with opened(where) as (desk, board):
                wanted = await to_mark(how, desk, board, _choice(chosen))
                wanted.demand_some(service)
                await marked(where, desk, operation, wanted)
            boards.look_soon()
            return RedirectResponse(chosen.path, SEE_OTHER)

        return mark

    async def edit(request: Request, service: str) -> Response:
        form = form_of(request)
        chosen = chosen_of(service, form)
        action = deed(chosen, "edit", "", word=actor.word(service))
        where = await boards.place(service)
        where.demand_installed()
        # Who may not, or says not why, is told so before anything is read.
        actor.operation(request, action)
        async with opened(where) as (desk, board):
            found = await editable(desk, board, chosen.name)
            if found.fields is None:
                raise UsageError("there are no fields to set", why="the payload cannot be read", code="E553")
            sets = assignments(Masking(desk.personal).fields(found.schema, found.fields), form)
            value = found.value(changed(found.fields, sets))
            told = [part for one in sets for part in ("--set", one)]
            operation = actor.operation(request, action, arguments=(*action.arguments, *told))
            await edited(where, desk, operation, found, value)
        boards.look_soon()
        return RedirectResponse(chosen.path, SEE_OTHER)

    router = APIRouter(prefix="/dead-letters/{service}")
    router.add_api_route("/redrive", redrive, methods=["POST"])
    router.add_api_route("/discard", marking(DISCARD), methods=["POST"])
    router.add_api_route("/reopen", marking(REOPEN), methods=["POST"])
    router.add_api_route("/edit", edit, methods=["POST"])
    return router


def _choice(chosen: Chosen) -> Choice:
    return Choice(names=(chosen.name,) if chosen.name else (), group=chosen.group)


def _sending(boards: Boards, where: Place, chosen: Chosen, operation: Operation) -> Work:
    async def work(job: Job) -> None:
        def began(plan: RedrivePlan) -> None:
            job.total = len(plan.sends)
            job.begun.set()

        try:
            async with opened(where) as (desk, board), AuditTopic(where.target.connection) as topic:
                ready = await prepared(
                    where,
                    desk,
                    board,
                    _choice(chosen),
                    canary=chosen.canary,
                    rate=chosen.rate,
                    force=chosen.force,
                    pii=False,
                )
                ready.demand_sendable()
                await run(
                    where, desk, topic, operation, ready.redrive, ready.plan, wait=WAIT, tell=job.tell, began=began
                )
        finally:
            boards.look_soon()

    return work
