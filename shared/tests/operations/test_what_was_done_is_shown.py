"""``farandole operations`` shows what was done to a mesh, by whom, why and with what result; from the real topic."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from farandole.cli.main import main
from farandole.kafka.connection import Connection
from farandole.operations import (
    Asked,
    AuditRecord,
    AuditTopic,
    Began,
    Checkpoint,
    Ended,
    Noted,
    Resumed,
    Stage,
    courses,
    recorded,
)
from given_again import operation

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def notes(*records: AuditRecord) -> list[Noted]:
    return [Noted(offset=at, record=one) for at, one in enumerate(records)]


def began(id_: str = "a", **other: Any) -> Began:
    return Began(operation=id_, at=AT, begun=operation(id_, "payments"), **other)


def asked(wish, id_: str = "a") -> Asked:
    return Asked(operation=id_, at=AT, wish=wish, who="b")


def ended(result, id_: str = "a", **other: Any) -> Ended:
    return Ended(operation=id_, at=AT, result=result, **other)


def resumed(id_: str = "a") -> Resumed:
    return Resumed(operation=id_, at=AT, who="b")


@pytest.mark.parametrize(
    ("records", "stage"),
    [
        ([began()], Stage.OPEN),
        ([began(), asked("pause")], Stage.PAUSED),
        ([began(), asked("pause"), asked("resume")], Stage.OPEN),
        ([began(), asked("cancel")], Stage.OPEN),
        ([began(), ended("cancelled")], Stage.CANCELLED),
        ([began(), ended("failed"), resumed()], Stage.OPEN),
        ([began(), ended("failed"), resumed(), ended("done")], Stage.DONE),
        ([began(), ended("done"), asked("pause")], Stage.DONE),
        ([ended("done"), began()], Stage.OPEN),
    ],
)
def test_a_course_is_told_by_its_records_in_their_order(records, stage):
    (course,) = courses(notes(*records))
    assert course.stage is stage
    assert (course.ended_at is not None) == stage.is_over


def test_operations_beside_one_another_are_told_apart_and_what_never_began_is_left_out():
    found = courses(notes(began("a"), asked("pause", "c"), began("b"), ended("done", "a", counts={"sent": 4})))
    assert [(one.operation.id, one.stage, one.counts) for one in found] == [
        ("a", Stage.DONE, {"sent": 4}),
        ("b", Stage.OPEN, {}),
    ]


def test_what_was_sent_is_read_back_from_the_last_checkpoint():
    point = Checkpoint(operation="a", at=AT, marks={0: 9}, through={"orders|0": 12}, counts={"sent": 7})
    (course,) = courses(notes(began(marks={0: 3})))
    assert (course.marks, course.checkpoint) == ({0: 3}, None)
    (course,) = courses(notes(began(marks={0: 3}), point, asked("pause")))
    assert (course.marks, course.checkpoint, course.counts) == ({0: 9}, point, {"sent": 7})


def test_who_says_that_it_began_first_is_believed():
    forged = Began(operation="a", at=AT, begun=operation("a", "orders"))
    (course,) = courses(notes(began(), forged))
    assert course.operation.service == "payments"


@pytest.fixture
def farandole(backend, tmp_path, monkeypatch, capsys):
    """The command line, on the mesh of the test."""
    monkeypatch.setenv("FARANDOLE_BROKERS", backend.bootstrap)
    monkeypatch.setenv("FARANDOLE_HOME", str(tmp_path))
    monkeypatch.delenv("FARANDOLE_CONTEXT", raising=False)

    def run(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["farandole", "operations", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def done(backend) -> str:
    """An operation that was done; its id."""
    id_ = f"op-{uuid.uuid4().hex}"

    async def do() -> None:
        connection = Connection(bootstrap=backend.bootstrap, client_id="test")
        async with AuditTopic(connection) as topic:
            this = operation(id_, "pay\x1b[31mments")
            async with recorded(topic, this, details={"letters": 12}) as receipt:
                await topic.append(Asked(operation=id_, at=AT, wish="pause", who="bob@desk", why="lunch"))
                receipt.counts["sent"] = 12

    asyncio.run(do())
    return id_


def test_they_are_listed_and_shown_with_who_and_why_and_the_result(farandole, done):
    code, out, _ = farandole("ls")
    assert code == 0
    (line,) = [line for line in out.splitlines() if done in line]
    for word in ("replay", "ada@engine", "a bug was fixed", "done", "12 sent"):
        assert word in line
    assert "\x1b[31m" not in out
    code, out, _ = farandole("show", done[:12])
    assert code == 0
    for word in ("letters 12", "bob@desk asks to pause: lunch", "done 12 sent"):
        assert word in out


def test_programs_read_them_as_one_line(farandole, done):
    code, out, _ = farandole("--json")
    assert (code, out.count("\n")) == (0, 1)
    (mine,) = [one for one in json.loads(out)["operations"] if one["id"] == done]
    assert (mine["stage"], mine["counts"], mine["who"]) == ("done", {"sent": 12}, "ada@engine")
    _, out, _ = farandole("show", done, "--json")
    assert [one["kind"] for one in json.loads(out)["records"]] == ["began", "asked", "ended"]


def test_only_those_since_a_moment_are_listed_and_the_moment_has_a_zone(farandole, done):
    hour = timedelta(hours=1)
    later, earlier = ((datetime.now(UTC) + way).isoformat(timespec="seconds") for way in (hour, -hour))
    assert done not in farandole("ls", "--since", later, "--json")[1]
    assert done in farandole("ls", "--since", earlier, "--json")[1]
    code, _, err = farandole("ls", "--since", "2026-11-23T14:00:00")
    assert (code, "E520" in err) == (2, True)
    assert farandole("ls", "--since", "12")[0] == 2


def test_one_that_is_not_there_is_a_slip_of_the_caller(farandole, done):
    code, _, err = farandole("show", "nothing")
    assert (code, "farandole operations ls" in err) == (2, True)


def test_one_that_runs_is_asked_to_end_and_one_that_is_over_is_not(farandole, done, backend):
    connection = Connection(bootstrap=backend.bootstrap, client_id="test")
    running = f"running-{uuid.uuid4().hex}"

    async def begin() -> None:
        async with AuditTopic(connection) as topic:
            await topic.append(Began(operation=running, at=AT, begun=operation(running, "payments")))

    async def wishes() -> list[tuple[str, str]]:
        async with AuditTopic(connection) as topic:
            return [(one.record.wish, one.record.why) for one in await topic.read(Asked, operation=running)]

    asyncio.run(begin())
    assert farandole("cancel", running)[0] == 2, "without a reason"
    code, out, _ = farandole("cancel", running, "--reason", "too fast", "--json")
    assert (code, json.loads(out)["asked"]) == (0, "cancel")
    assert asyncio.run(wishes()) == [("cancel", "too fast")]
    code, _, err = farandole("cancel", done, "--reason", "too fast")
    assert (code, "E566" in err) == (1, True)
    code, _, err = farandole("cancel", "nothing", "--reason", "too fast")
    assert (code, "E565" in err) == (2, True)
