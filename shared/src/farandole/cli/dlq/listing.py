"""``farandole dlq ls``: what failed, in groups that failed alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from farandole.cli.dlq.places import places
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context
from farandole.cli.output import print_json, print_table, say
from farandole.cli.selecting import Selecting
from farandole.desk import Group, Place, Standing, choice, chosen, grouped, opened

NOTHING = Selecting()


def ls(
    *,
    service: Annotated[tuple[str, ...], Parameter(negative="", help="Only of this service; may be repeated.")] = (),
    selecting: Selecting = NOTHING,
    every: Annotated[bool, Parameter(name="--all", negative="", help="Also groups in which nothing is open.")] = False,
    home: Home = None,
    context: Context = "",
    json: Json = False,
) -> int:
    """Show the dead letters of all services, in groups: same error, same place, same event type. It reads only.

    An event counts once: open, redriven (on its way again), resolved (handled since) or discarded.
    """
    groups = asyncio.run(_groups(service, selecting, home=home, context=context))
    shown = [one for one in groups if every or _is_unfinished(one)]
    if json:
        print_json({"groups": [one.document() for one in shown], "not_shown": len(groups) - len(shown)})
        return ExitCode.OK
    if shown:
        _show(shown)
    else:
        say("nothing is dead" if not groups else f"nothing is open; {len(groups)} groups are closed (--all)")
    return ExitCode.OK


async def _groups(service: Sequence[str], selecting: Selecting, *, home: Home, context: Context) -> Sequence[Group]:
    found = await places(service, home=home, context=context)
    each = [await _of(one, selecting) for one in found]
    return [group for groups in each for group in groups]


async def _of(one: Place, selecting: Selecting) -> Sequence[Group]:
    async with opened(one) as (found, board):
        what = choice((), "", selecting.request(), found)
        cases = await chosen(found, board, what, pii=False)
        return grouped(one.name, cases[: what.limit])


def _is_unfinished(group: Group) -> bool:
    return any(group.counts.get(one) for one in (Standing.OPEN, Standing.REDRIVEN))


def _show(groups: Sequence[Group]) -> None:
    head = ("service", "fingerprint", "event", "error", "at", "open", "redriven", "resolved", "discarded")
    rows = [(*_row(one), _moment(one.first_seen), _moment(one.last_seen), one.sample) for one in groups]
    print_table("dead letters", (*head, "first", "last", "such as"), rows)
    first = groups[0]
    say(f"next: farandole dlq show {first.fingerprint} --service {first.service}")


def _row(one: Group) -> tuple[str, ...]:
    counts = [
        str(one.counts.get(each, 0))
        for each in (Standing.OPEN, Standing.REDRIVEN, Standing.RESOLVED, Standing.DISCARDED)
    ]
    return (one.service, one.fingerprint, one.type.rpartition(".")[2], one.error_class, one.place or "-", *counts)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%m-%d %H:%M:%S}"
