"""``farandole dlq show``: one dead letter, and everything that helps to decide what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from cyclopts import Parameter

from farandole.cli.dlq.places import OneService, place
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context
from farandole.cli.output import print_json, printable, say
from farandole.desk import Sheet, opened, sheet
from farandole.errors import UsageError
from farandole.masking import Masking

MOST_SHEETS = 10


def show(
    name: Annotated[str, Parameter(help="An event's id, coordinates (topic|partition|offset), or a fingerprint.")],
    *,
    service: OneService = "",
    pii: Annotated[bool, Parameter(negative="", help="Show personal fields; for operators.")] = False,
    home: Home = None,
    context: Context = "",
    json: Json = False,
) -> int:
    """Show one dead letter: event and payload, error and stack, every attempt with its time, and the next commands.

    Of a fingerprint the last one is shown. Personal fields are masked.
    """
    sheets = asyncio.run(_sheets(name, service, pii=pii, home=home, context=context))
    if json:
        print_json({"letters": [one.document() for one in sheets]})
    else:
        for one in sheets:
            print(printable(_text(one)))  # noqa: T201 - what was asked for
    return ExitCode.OK


async def _sheets(name: str, service: str, *, pii: bool, home: Home, context: Context) -> Sequence[Sheet]:
    where = await place(service, [name], home=home, context=context)
    if pii:
        where.target.demand_operator("see personal data")
    async with opened(where) as (found, board):
        cases = board.demanded([name])
        by_group = cases == board.of_group(name)
        if len(cases) > MOST_SHEETS and not by_group:
            raise UsageError(f"{name} means {len(cases)} events", do="name one by its coordinates", code="E550")
        masking = Masking(found.personal, pii=pii)
        if by_group:
            say(f"{len(cases)} failed like this; the last one:")
        return [await sheet(found, case, masking) for case in (cases[-1:] if by_group else cases)]


def _text(one: Sheet) -> str:
    told = one.document()
    lines = [
        f"{told['type'].rpartition('.')[2] or 'a record without a type'} {told['event']}",
        f"  stands       {told['stands']}",
        f"  in           {one.service}, {told['handler'] or 'no handler'}, version {told['service_version'] or '?'}",
        f"  flow         {told['flow']}",
        f"  first at     {told['origin']}, key {told['key']}",
        f"  dead letter  {told['where']}, attempt {told['attempt']}, since {told['dead_since']:%Y-%m-%d %H:%M:%S} UTC",
        f"  fingerprint  {told['fingerprint']}  {told['error_class']} at {told['place'] or 'an unknown place'}",
        f"  because      {told['message']}",
    ]
    lines += [f"  edited from  {told['edited_from']}"] if told["edited_from"] else []
    lines += ["", *told["stack"].splitlines()] if told["stack"] else []
    lines += ["", "payload", _indented(msgspec.json.format(msgspec.json.encode(told["payload"]), indent=2).decode())]
    lines += ["", "envelope", *(f"  {name} {value}" for name, value in told["envelope"].items())]
    lines += ["", "what happened"]
    lines += [
        f"  {step['at']:%Y-%m-%d %H:%M:%S} UTC  attempt {step['attempt']}  {step['what']}"
        + "".join(f"  {step[name]}" for name in ("error_class", "message", "operation") if step[name])
        for step in told["steps"]
    ]
    lines += ["", "next", *(f"  {command}" for command in told["next"] or ["nothing is to be done"])]
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
