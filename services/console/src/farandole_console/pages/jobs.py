"""Jobs: what operators do to the mesh now and did before, how far each of it is, and how one ends it."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from farandole.operations import Course, ask_to_cancel
from farandole.operations.cancelling import HEAR
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from farandole_console.acting.action import Action
from farandole_console.acting.actor import Actor
from farandole_console.acting.jobs import Jobs
from farandole_console.acting.mesh import Mesh
from farandole_console.frame.frame import Frame
from farandole_console.live.gatherer import Gatherer

SHOWN: Final = 100


def jobs_page(frame: Frame, gatherer: Gatherer, jobs: Jobs, actor: Actor, mesh: Mesh) -> APIRouter:
    """Return the routes of the pages."""

    def course_of(id_: str) -> Course | None:
        seen = next((one for one in gatherer.sight.courses if one.operation.id == id_), None)
        here = jobs.get(id_)
        return seen if seen is not None or here is None else here.course

    async def show_all(request: Request) -> Response:
        sight = gatherer.sight
        return frame.page(
            request,
            "jobs/jobs.html",
            sight=sight,
            working=jobs,
            running=[one for one in sight.courses if not one.stage.is_over],
            over=[one for one in sight.courses if one.stage.is_over][:SHOWN],
        )

    async def show(request: Request, job: str) -> Response:
        found = course_of(job)
        if found is None:
            raise HTTPException(404, "no such job is in the audit topic, as far as it was read")
        return frame.page(
            request,
            "jobs/job.html",
            sight=gatherer.sight,
            job=found,
            running=jobs.get(job),
            cancel=cancelling(found),
            actor=actor,
        )

    async def cancel(request: Request, job: str) -> Response:
        found = course_of(job)
        if found is None:
            raise HTTPException(404, "no such job is in the audit topic, as far as it was read")
        asked = actor.operation(request, ending(found))
        async with mesh.audit() as topic:
            await ask_to_cancel(topic, job, asked)
        return RedirectResponse(job_path(job), 303)

    router = APIRouter()
    router.add_api_route("/jobs", show_all, methods=["GET"])
    router.add_api_route("/jobs/{job}", show, methods=["GET"])
    router.add_api_route("/jobs/{job}/cancel", cancel, methods=["POST"])
    return router


def job_path(id_: str) -> str:
    """Return where a job is shown."""
    return f"/jobs/{quote(id_, safe='')}"


def cancelling(course: Course) -> Action | None:
    """Return how a job is ended, None where nothing is left to end. Any operator may end the job of any other."""
    return None if course.stage.is_over or course.operation.kind not in HEAR else ending(course)


def ending(course: Course) -> Action:
    """Return the action that ends a job, whether it is over or not."""
    operation = course.operation
    return Action(
        kind="cancel",
        service=operation.service,
        what=f"End this {operation.kind} for good. What was sent stays sent, and is handled.",
        arguments=("operations", "cancel", operation.id),
        path=f"{job_path(operation.id)}/cancel",
        button="Cancel it",
        harms=True,
    )
