"""``farandole operations``: what was done to a mesh, by whom, why, and with what result."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from farandole.cli.acting import Acting
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context, mesh
from farandole.cli.output import print_json, print_table, say
from farandole.contexts import Target
from farandole.errors import UsageError
from farandole.operations import (
    Asked,
    AuditRecord,
    AuditTopic,
    Began,
    Checkpoint,
    Course,
    Ended,
    Noted,
    Resumed,
    ask_to_cancel,
    courses,
)
from farandole.selection.bound import Moment, parse_bound

app = App(name="operations", help="Show what was done to the mesh, by whom and why.", result_action="return_value")

NOBODY = Acting()
Id = Annotated[str, Parameter(help="Its id, or the beginning of it.")]
Since = Annotated[str, Parameter(help="Only what began at this time (2026-11-23T14:00:00Z) or later.")]


@app.default
@app.command
def ls(*, since: Since = "", context: Context = "", home: Home = None, json: Json = False) -> int:
    """List the operations, the last one at the end: redrives, replays, discards and whatever else changed the mesh.

    They are read from the audit topic, in which nothing is changed or taken away.
    """
    bound = parse_bound(since) if since else None
    if bound is not None and not isinstance(bound, Moment):
        raise UsageError(f"--since {since} is no time", do="give one, with its zone: 2026-11-23T14:00:00Z", code="E514")
    found, foreign = asyncio.run(_read(mesh(context, home)))
    if bound is not None:
        found = [one for one in found if one.operation.at >= bound.at]
    if json:
        print_json({"operations": [_document(one) for one in found], "foreign": foreign})
    elif not found:
        say("nothing was done to this mesh" + (" since then" if since else ""))
    else:
        columns = ("id", "began (UTC)", "what", "service", "by", "why", "", "result")
        print_table("operations", columns, [_row(one) for one in found])
    if foreign:
        say(f"{foreign} records of the audit topic are none of ours: see who else may write to it")
    return ExitCode.OK


@app.command
def show(id_: Id, /, *, context: Context = "", home: Home = None, json: Json = False) -> int:
    """Show one operation: who did what, by which command, and everything that was noted of it."""
    found, _ = asyncio.run(_read(mesh(context, home)))
    matching = [one for one in found if one.operation.id.startswith(id_)]
    if len(matching) != 1:
        raise UsageError(
            f"{len(matching) or 'no'} operations begin with {id_}",
            do="farandole operations ls   names them",
            code="E514",
        )
    (one,) = matching
    if json:
        print_json({**_document(one), "records": [msgspec.to_builtins(each.record) for each in one.notes]})
    else:
        operation = one.operation
        facts = [
            ("what", f"{operation.kind} of {operation.service}"),
            ("by", _who(one)),
            ("why", operation.why),
            ("command", operation.command),
            ("context", operation.context or "-"),
            ("result", f"{one.stage.value}: {_counts(one)}"),
        ]
        print_table(operation.id, ("", ""), facts)
        print_table("what was noted", ("at (UTC)", "what", ""), [_note(each) for each in one.notes])
    return ExitCode.OK


@app.command
def cancel(
    id_: Annotated[str, Parameter(help="Its whole id.")],
    /,
    *,
    acting: Acting = NOBODY,
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Ask whoever runs a redrive or a replay to end it for good. What was sent by then stays sent, and is handled."""
    target = mesh(context, home)
    target.demand_operator(f"cancel {id_}")
    asked = acting.operation("cancel", "", context=target.context)

    async def ask() -> Course:
        async with AuditTopic(target.connection) as topic:
            return await ask_to_cancel(topic, id_, asked)

    course = asyncio.run(ask())
    if json:
        print_json({"operation": id_, "asked": "cancel", "service": course.operation.service})
    else:
        say(f"asked to cancel the {course.operation}; farandole operations show {id_}   tells how it ended")
    return ExitCode.OK


async def _read(target: Target) -> tuple[list[Course], int]:
    async with AuditTopic(target.connection) as topic:
        notes = await topic.read()
        return courses(notes), topic.foreign


def _document(one: Course) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(one.operation),
        "stage": one.stage.value,
        "ended": one.ended_at,
        "counts": one.counts,
        "details": one.began.details,
        "result": one.ended.details if one.ended is not None else {},
    }


def _row(one: Course) -> tuple[str, ...]:
    operation = one.operation
    what = (operation.id, _at(operation.at), operation.kind, operation.service, _who(one), operation.why)
    return (*what, one.stage.value, _counts(one))


def _note(one: Noted) -> tuple[str, str, str]:
    return _at(one.record.at), type(one.record).__name__.lower(), _told(one.record)


def _told(record: AuditRecord) -> str:
    match record:
        case Began(details=details) | Ended(details=details, counts={}) if details:
            return ", ".join(f"{name} {value}" for name, value in details.items())
        case Asked(wish=wish, who=who, why=why):
            return f"{who} asks to {wish}{f': {why}' if why else ''}"
        case Resumed(who=who, why=why):
            return f"{who}{f': {why}' if why else ''}"
        case Checkpoint(counts=counts):
            return _listed(counts)
        case Ended(result=result, counts=counts, why=why):
            return f"{result}{f': {why}' if why else ''} {_listed(counts)}".strip()
        case _:
            return ""


def _counts(one: Course) -> str:
    why = one.ended.why if one.ended is not None else ""
    return "; ".join(filter(None, (_listed(one.counts), why)))


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _who(one: Course) -> str:
    operation = one.operation
    return f"{operation.claimed} ({operation.who})" if operation.claimed else operation.who


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
