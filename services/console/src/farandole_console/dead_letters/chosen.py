"""Chosen: which letters a page or a form means, how they are to be sent, and what may be done about them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from farandole.http.refusal import RequestRefusedError
from farandole.operations.pace import LEAST_RATE, MOST_RATE

from farandole_console.acting.action import Action

MOST_CANARY: Final = 1_000_000
RATE: Final = 200.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """A ``group`` by its fingerprint, or one event by its ``name``; sent at ``rate``, ``canary`` of them first."""

    service: str
    group: str = ""
    name: str = ""
    canary: int = 0
    rate: float = RATE
    force: bool = False

    @property
    def path(self) -> str:
        """Where it is shown."""
        beneath = f"groups/{quote(self.group, safe='')}" if self.group else f"letter?name={quote(self.name, safe='')}"
        return f"/dead-letters/{quote(self.service, safe='')}/{beneath}"

    @property
    def named(self) -> tuple[str, ...]:
        """As a command names it."""
        here = ("--service", self.service)
        return (*here, "--group", self.group) if self.group else (self.name, *here)

    @property
    def fields(self) -> Mapping[str, str]:
        """As a form says it again; `chosen_of` reads it."""
        return {
            "group": self.group,
            "name": self.name,
            "canary": str(self.canary),
            "rate": f"{self.rate:g}",
            "force": "yes" if self.force else "",
        }


def chosen_of(service: str, said: Mapping[str, str]) -> Chosen:
    """Return what a query or a form chooses. Raises RequestRefusedError where it is nothing that there can be."""
    try:
        canary, rate = int(said.get("canary") or 0), float(said.get("rate") or RATE)
    except ValueError:
        raise RequestRefusedError("a canary is a count, a rate a number") from None
    if not 0 <= canary <= MOST_CANARY or not LEAST_RATE <= rate <= MOST_RATE:
        raise RequestRefusedError(f"a canary is 0 or more, a rate from {LEAST_RATE:g} to {MOST_RATE:,.0f}")
    group, name = said.get("group", "")[:300], said.get("name", "")[:300]
    if not (group or name) or name.startswith("-") or group.startswith("-"):
        raise RequestRefusedError("which dead letters are meant? a group, or an event")
    return Chosen(service=service, group=group, name=name, canary=canary, rate=rate, force=said.get("force") == "yes")


def deed(chosen: Chosen, kind: str, what: str, *, word: str) -> Action:
    """Return the action that does something to the letters that are meant: redrive, discard, reopen or edit."""
    how: tuple[str, ...] = ()
    if kind == "redrive":
        how = (*(("--canary", str(chosen.canary)) if chosen.canary else ()), "--rate", f"{chosen.rate:g}")
        how += ("--force",) if chosen.force else ()
    return Action(
        kind=kind,
        service=chosen.service,
        what=what,
        arguments=("dlq", kind, *chosen.named, *how),
        path=f"/dead-letters/{quote(chosen.service, safe='')}/{kind}",
        button={"redrive": "Send again", "discard": "Discard", "reopen": "Open again", "edit": "Change it"}[kind],
        word=word,
        harms=kind == "discard",
        fields=chosen.fields,
    )
