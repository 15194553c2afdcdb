"""``farandole dlq discard`` and ``reopen``: dead letters are put aside, and taken back."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from farandole.cli.acting import Acting
from farandole.cli.dlq.places import Group, OneService, place
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context
from farandole.cli.output import print_json, printable, say
from farandole.cli.selecting import Selecting
from farandole.desk import DISCARD, REOPEN, Deed, choice, marked, opened, to_mark

NOTHING = Selecting()
NOBODY = Acting()
Ids = Annotated[str, Parameter(help="Ids of events, coordinates (topic|partition|offset) or fingerprints.")]


def discard(
    *names: Ids,
    service: OneService = "",
    group: Group = "",
    selecting: Selecting = NOTHING,
    acting: Acting = NOBODY,
    home: Home = None,
    context: Context = "",
    json: Json = False,
) -> int:
    """Put dead letters aside: nothing is deleted, and `farandole dlq reopen` takes it back.

    One whose event the service's database has handled is refused; it is resolved.
    """
    return asyncio.run(_do(DISCARD, names, service, group, selecting, acting, home, context, as_json=json))


def reopen(
    *names: Ids,
    service: OneService = "",
    group: Group = "",
    selecting: Selecting = NOTHING,
    acting: Acting = NOBODY,
    home: Home = None,
    context: Context = "",
    json: Json = False,
) -> int:
    """Open discarded dead letters again."""
    return asyncio.run(_do(REOPEN, names, service, group, selecting, acting, home, context, as_json=json))


async def _do(  # noqa: PLR0917 - the command line of two commands
    deed: Deed,
    names: Sequence[str],
    service: str,
    group: str,
    selecting: Selecting,
    acting: Acting,
    home: Home,
    context: Context,
    *,
    as_json: bool,
) -> int:
    where = await place(service, names or ([group] if group else []), home=home, context=context)
    where.demand_installed()
    target = where.target
    target.demand_operator(f"{deed.name} dead letters")
    operation = acting.operation(deed.name, where.name, context=target.context)
    async with opened(where) as (desk, board):
        wanted = await to_mark(deed, desk, board, choice(names, group, selecting.request(pii=True), desk))
        wanted.demand_some(where.name)
        for reason, count in wanted.held.items():
            say(f"  left as they are, {count}: {reason}")
        sentence = deed.sentence(len(wanted.cases), where.name)
        acting.make_sure(sentence, word=where.name if target.production else "")
        count = await marked(where, desk, operation, wanted)
    if as_json:
        print_json({"operation": operation.id, "service": where.name, "marked": count, "left": wanted.held})
    else:
        say(f"{deed.name} {operation.id}: {count} events of {where.name}")
        back = "reopen" if deed.discards else "discard"
        event = shlex.quote(printable(wanted.cases[0].letter.subject.event_id))
        say(f'taken back by: farandole dlq {back} {event} --service {where.name} --reason "…"')
    return ExitCode.OK
