"""``farandole dlq discard`` and ``reopen``: dead letters are put aside, and taken back."""

from __future__ import annotations

import asyncio
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from farandole.cli.acting import Acting
from farandole.cli.dlq.places import Group, OneService, opened, place
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context
from farandole.cli.output import print_json, printable, say
from farandole.cli.selecting import Selecting
from farandole.desk import Case, Deskwork, choice, chosen, nothing_chosen, to_discard, to_reopen
from farandole.errors import UsageError
from farandole.operations import AuditTopic, Lease, recorded

NOTHING = Selecting()
NOBODY = Acting()
Ids = Annotated[str, Parameter(help="Ids of events, coordinates (topic|partition|offset) or fingerprints.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Deed:
    """What is done: its name, whether it puts aside, what it does in words, and what stands in the way of a case."""

    name: str
    discards: bool
    words: str
    obstacle: Callable[[Case], str]


_DISCARD = _Deed(
    name="discard", discards=True, words="discard the dead letters of {} events of {}", obstacle=to_discard
)
_REOPEN = _Deed(
    name="reopen", discards=False, words="open the dead letters of {} events of {} again", obstacle=to_reopen
)


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
    return asyncio.run(_do(_DISCARD, names, service, group, selecting, acting, home, context, as_json=json))


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
    return asyncio.run(_do(_REOPEN, names, service, group, selecting, acting, home, context, as_json=json))


async def _do(  # noqa: PLR0917 - the command line of two commands
    deed: _Deed,
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
        what = choice(names, group, selecting.request(pii=True), desk)
        if what.is_everything:
            raise nothing_chosen()
        every = await chosen(desk, board, what)
        held = Counter(reason for reason in map(deed.obstacle, every) if reason)
        cases = [one for one in every if not deed.obstacle(one)][: what.limit]
        if not cases:
            raise _nothing(deed, where.name, held)
        for reason, count in held.items():
            say(f"  left as they are, {count}: {reason}")
        acting.make_sure(deed.words.format(len(cases), where.name), word=where.name if target.production else "")
        details = {"what": what.veiled(desk.catalogue).document(), "events": len(cases)}
        async with (
            Lease(target.redis_url, cluster=desk.cluster, operation=operation),
            AuditTopic(target.connection) as topic,
            Deskwork(target.connection, desk.reader, operation=operation.id) as work,
            recorded(topic, operation, details=details) as receipt,
        ):
            marked = await work.mark(cases, discards=deed.discards)
            receipt.counts.update({"marked": marked})
    if as_json:
        print_json({"operation": operation.id, "service": where.name, "marked": marked, "left": held})
    else:
        say(f"{deed.name} {operation.id}: {marked} events of {where.name}")
        back = "reopen" if deed.discards else "discard"
        event = shlex.quote(printable(cases[0].letter.subject.event_id))
        say(f'taken back by: farandole dlq {back} {event} --service {where.name} --reason "…"')
    return ExitCode.OK


def _nothing(deed: _Deed, service: str, held: Counter[str]) -> UsageError:
    return UsageError(
        f"there is nothing to {deed.name} of {service}",
        why="; ".join(f"{count}: {reason}" for reason, count in held.items()) or "no dead letter is selected",
        do=f"farandole dlq ls --service {service} --all",
        code="E556",
    )
