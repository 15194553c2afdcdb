"""Dead letters: groups that failed alike, one group, one letter. Personal fields are masked."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from farandole.desk import Case, Sheet, Standing, sheet, to_discard, to_edit, to_redrive, to_reopen
from farandole.desk import opened as opened_desk
from farandole.desk.choice import Choice
from farandole.desk.redrive_run import Prepared, prepared
from farandole.http.page import text_of
from farandole.masking import Masking
from fastapi import APIRouter, Request, Response

from farandole_console.acting.action import Action
from farandole_console.acting.actor import Actor
from farandole_console.dead_letters.boards import Boards
from farandole_console.dead_letters.chosen import Chosen, chosen_of, deed
from farandole_console.dead_letters.leaves import leaves
from farandole_console.frame.frame import Frame
from farandole_console.pages.reveal import RECORD

SHOWN: Final = 100
COUNTED: Final = (Standing.OPEN, Standing.REDRIVEN, Standing.RESOLVED, Standing.DISCARDED)


def dead_letters_page(frame: Frame, boards: Boards, actor: Actor) -> APIRouter:
    """Return the routes of the pages."""

    async def show_all(request: Request) -> Response:
        service, every = text_of(request.query_params, "service"), text_of(request.query_params, "all") == "yes"
        words = text_of(request.query_params, "words")[:200].lower().split()
        groups = [one for found in boards.groups.values() for one in found]
        shown = [
            one
            for one in groups
            if service in {"", one.service}
            and (every or one.counts.get(Standing.OPEN) or one.counts.get(Standing.REDRIVEN))
            and all(word in f"{one.service} {one.type} {one.error_class} {one.place}".lower() for word in words)
        ]
        return frame.page(
            request,
            "dead_letters/groups.html",
            boards=boards,
            groups=sorted(shown, key=lambda one: -one.counts.get(Standing.OPEN, 0)),
            not_shown=len(groups) - len(shown),
            services=sorted(boards.groups),
            counted=COUNTED,
        )

    async def show_group(request: Request, service: str, group: str) -> Response:
        chosen = chosen_of(service, {**request.query_params, "group": group, "name": ""})
        where = await boards.place(service)
        async with opened_desk(where) as (desk, board):
            cases = board.of_group(group)
            what = Choice(group=group)
            plan = await prepared(
                where, desk, board, what, canary=chosen.canary, rate=chosen.rate, force=chosen.force, pii=False
            )
        return frame.page(
            request,
            "dead_letters/group.html",
            chosen=chosen,
            cases=[*reversed(cases)][:SHOWN],
            count=len(cases),
            counts=Counter(one.standing for one in cases),
            counted=COUNTED,
            plan=plan,
            installed=where.service is not None,
            acts=_acts(chosen, cases, plan, actor),
            actor=actor,
        )

    async def show_letter(request: Request, service: str) -> Response:
        chosen = chosen_of(service, {**request.query_params, "group": ""})
        where = await boards.place(service)
        async with opened_desk(where) as (desk, board):
            cases = board.demanded([chosen.name])[-1:]
            found: Sheet = await sheet(desk, cases[0], Masking(desk.personal))
            plan = await prepared(
                where,
                desk,
                board,
                Choice(names=(chosen.name,)),
                canary=0,
                rate=chosen.rate,
                force=chosen.force,
                pii=False,
            )
        told = found.document()
        readable = isinstance(found.payload, dict) and "undecodable" not in found.payload
        edit = deed(chosen, "edit", "Change fields of its payload; nothing is sent by that.", word=actor.word(service))
        return frame.page(
            request,
            "dead_letters/letter.html",
            chosen=chosen,
            told=told,
            place=told["where"],
            record=RECORD,
            plan=plan,
            installed=where.service is not None,
            acts=_acts(chosen, cases, plan, actor),
            edit=edit if readable and not to_edit(cases[0]) else None,
            fields=list(leaves(found.payload)) if readable else [],
            actor=actor,
        )

    router = APIRouter(prefix="/dead-letters")
    router.add_api_route("", show_all, methods=["GET"])
    router.add_api_route("/{service}/groups/{group}", show_group, methods=["GET"])
    router.add_api_route("/{service}/letter", show_letter, methods=["GET"])
    return router


def _acts(chosen: Chosen, cases: Any, plan: Prepared, actor: Actor) -> dict[str, Action]:
    """Return what may be done to these cases now."""
    word = actor.word(chosen.service)
    meant: list[Case] = list(cases)

    def count(kind: str) -> int:
        obstacle = {"discard": to_discard, "reopen": to_reopen, "redrive": to_redrive}[kind]
        return sum(1 for one in meant if not obstacle(one))

    found: dict[str, Action] = {}
    if plan.plan.sends:
        sends = len(plan.plan.sends)
        first = f", {chosen.canary} of them first" if 0 < chosen.canary < sends else ""
        what = f"Send {_events(sends)} to {chosen.service} again{first}, {chosen.rate:g} a second at most."
        found["redrive"] = deed(chosen, "redrive", what, word=word)
    if count("discard"):
        what = f"Put {_events(count('discard'))} aside. Nothing is deleted, and it can be taken back."
        found["discard"] = deed(chosen, "discard", what, word=word)
    if count("reopen"):
        what = f"Open {_events(count('reopen'))} again that somebody put aside."
        found["reopen"] = deed(chosen, "reopen", what, word=word)
    return found


def _events(count: int) -> str:
    return f"{count:,} event" + ("" if count == 1 else "s")
