"""Whatever a page does has a reason and somebody who may, and stands in the audit topic before it is done.

The brokers are real. Beside each form is the command that does the same; long actions are jobs, which are where they
were when the page is opened again, and which any operator may end.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from farandole.errors import OperationError, UsageError
from farandole.operations import Asked, AuditTopic, Began, Operation
from farandole_console.access.role import Role
from farandole_console.access.user import User
from farandole_console.acting.action import Action
from farandole_console.acting.actor import Actor
from farandole_console.acting.jobs import MOST_AT_ONCE, Job, Jobs
from farandole_console.settings import ConsoleSettings
from starlette.exceptions import HTTPException
from starlette.requests import Request

sys.path.insert(0, str(Path(__file__).parent))

from operators import ADA, OTTO, VERA, bearing, connection, console_on

REDRIVE = Action(
    kind="redrive",
    service="payments",
    what="Send 2 events to payments again.",
    arguments=("dlq", "redrive", "it's-1", "--service", "payments"),
    path="/x",
    button="Send",
)
OTTO_HIMSELF = User(name="otto", role=Role.OPERATOR, means="token")


def request(user: User | None = OTTO_HIMSELF, **form: str) -> Request:
    made = Request({"type": "http", "method": "POST", "path": "/x", "headers": [], "query_string": b""})
    made.state.user, made.state.form = user, form
    return made


def operation(kind: str = "redrive") -> Operation:
    return Operation(
        id=uuid.uuid4().hex, kind=kind, service="payments", who="bea", why="she wanted to", at=datetime.now(UTC)
    )


def test_the_command_is_what_one_would_type() -> None:
    written = Actor(ConsoleSettings(context="prod eu")).written(REDRIVE)
    assert written == """farandole dlq redrive 'it'"'"'s-1' --service payments --context 'prod eu' --yes --reason"""
    assert shlex.split(written)[3] == "it's-1"


def test_the_operation_says_who_signed_in_and_why_and_the_command() -> None:
    found = Actor(ConsoleSettings(context="prod")).operation(request(reason=" it is back "), REDRIVE)
    assert (found.kind, found.service, found.who, found.why) == ("redrive", "payments", "otto", "it is back")
    assert found.context == "prod"
    assert found.command.endswith("--context prod --yes --reason 'it is back'")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2_001])
def test_a_reason_is_demanded(reason) -> None:
    with pytest.raises(UsageError) as refused:
        Actor(ConsoleSettings()).operation(request(reason=reason), REDRIVE)
    assert refused.value.code == "E513"


def test_in_production_the_service_has_to_be_typed() -> None:
    actor = Actor(ConsoleSettings(production=True))
    assert (actor.word("payments"), Actor(ConsoleSettings()).word("payments")) == ("payments", "")
    sure = Action(kind="redrive", service="payments", what="", arguments=(), path="", button="", word="payments")
    for typed in ({}, {"confirm": "orders"}):
        with pytest.raises(OperationError) as refused:
            actor.operation(request(reason="r", **typed), sure)
        assert refused.value.code == "E515"
    assert actor.operation(request(reason="r", confirm="payments"), sure).service == "payments"
    assert "--confirm payments" in actor.written(sure)


@pytest.mark.parametrize("user", [None, User(name="vera", role=Role.VIEWER, means="token")])
def test_who_may_not_is_told_so(user) -> None:
    with pytest.raises(HTTPException) as refused:
        Actor(ConsoleSettings()).operation(request(user, reason="r"), REDRIVE)
    assert refused.value.status_code == 403
    assert "it takes an operator" in refused.value.detail


def test_a_value_that_is_set_is_not_recorded() -> None:
    edit = Action(kind="edit", service="s", what="", arguments=("dlq", "edit", "e"), path="", button="")
    found = Actor(ConsoleSettings()).operation(
        request(reason="r"), edit, arguments=("dlq", "edit", "e", "--set", "name=Ada Lovelace")
    )
    assert found.command == "farandole dlq edit e --set name=*** --yes --reason r"


async def test_a_job_goes_on_when_nobody_looks_and_keeps_what_went_wrong() -> None:
    jobs, gate = Jobs(), asyncio.Event()

    async def work(job: Job) -> None:
        job.total = 2
        job.begun.set()
        job.tell(1, "half of it")
        await gate.wait()
        raise OperationError("the other half is lost")

    begun = await jobs.start(operation(), work)
    found = jobs.get(begun.operation.id)
    assert found is begun
    assert (found.done, found.note, found.is_over) == (1, "half of it", False)
    assert found.course.operation == begun.operation
    gate.set()
    await jobs.settled()
    assert "the other half is lost" in found.failure


async def test_what_fails_before_it_began_is_told_at_once_and_is_no_job() -> None:
    jobs, one = Jobs(), operation()

    async def work(job: Job) -> None:
        raise OperationError("somebody else is at it")

    with pytest.raises(OperationError, match="somebody else"):
        await jobs.start(one, work)
    assert jobs.get(one.id) is None


async def test_there_is_an_end_to_how_many_run_and_all_are_cut_short_at_the_end() -> None:
    jobs, cut = Jobs(), []

    async def work(job: Job) -> None:
        job.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.append(job.operation.id)

    for _ in range(MOST_AT_ONCE):
        await jobs.start(operation(), work)
    with pytest.raises(OperationError) as refused:
        await jobs.start(operation(), work)
    assert refused.value.code == "E635"
    await jobs.close()
    assert len(cut) == MOST_AT_ONCE


async def test_an_operator_ends_the_job_of_another_and_a_viewer_does_not(backend, tmp_path) -> None:
    one = operation()
    async with AuditTopic(connection(backend)) as topic, console_on(backend, tmp_path) as (harness, gatherer):
        await topic.append(Began(operation=one.id, at=one.at, begun=one))
        await gatherer.look("kafka", gatherer.look_at_logs)
        path = f"/jobs/{one.id}"

        shown = await harness.http.get(path, headers=bearing(OTTO))
        assert f"farandole operations cancel {one.id}" in shown.text
        assert f'action="{path}/cancel"' in shown.text
        shown = await harness.http.get(path, headers=bearing(VERA))
        assert f"farandole operations cancel {one.id}" in shown.text
        assert 'name="reason"' not in shown.text

        refused = await harness.http.post(f"{path}/cancel", data={"reason": "r"}, headers=bearing(VERA))
        assert refused.status_code == 403
        assert "it takes an operator, and vera is a viewer" in refused.text
        refused = await harness.http.post(f"{path}/cancel", data={"reason": " "}, headers=bearing(OTTO))
        assert (refused.status_code, "E513" in refused.text) == (400, True)
        assert [type(each.record) for each in await topic.read(operation=one.id)] == [Began]

        done = await harness.http.post(f"{path}/cancel", data={"reason": "too fast"}, headers=bearing(OTTO))
        assert (done.status_code, done.headers["location"]) == (303, path)
        _, asked = await topic.read(operation=one.id)
        assert isinstance(asked.record, Asked)
        assert (asked.record.wish, asked.record.who, asked.record.why) == ("cancel", "otto", "too fast")


async def test_what_is_over_or_of_the_moment_is_not_cancelled(backend, tmp_path) -> None:
    one = operation(kind="discard")
    async with AuditTopic(connection(backend)) as topic, console_on(backend, tmp_path) as (harness, gatherer):
        await topic.append(Began(operation=one.id, at=one.at, begun=one))
        await gatherer.look("kafka", gatherer.look_at_logs)
        assert "Cancel it" not in (await harness.http.get(f"/jobs/{one.id}", headers=bearing(ADA))).text
        refused = await harness.http.post(f"/jobs/{one.id}/cancel", data={"reason": "r"}, headers=bearing(ADA))
        assert (refused.status_code, "E566" in refused.text) == (409, True)
        assert len(await topic.read(operation=one.id)) == 1
        lost = await harness.http.post("/jobs/nothing/cancel", data={"reason": "r"}, headers=bearing(ADA))
        assert lost.status_code == 404
