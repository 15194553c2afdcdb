"""Wanted: what the form of a replay asks for, as a plan takes it and as the command that makes the same one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from farandole.errors import UsageError
from farandole.http.refusal import RequestRefusedError
from farandole.replay.mode import Mode
from farandole.replay.terms import RATE, Terms
from farandole.selection import Request

from farandole_console.acting.action import Action

MOST: Final = 2_000
SEVERAL: Final = ("topic", "type", "key", "flow", "id")
ONE: Final = ("from", "to", "where", "limit")
SWITCHES: Final = ("effects", "cascade", "include-not-provable")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The values of the form, by the names of the command's options; switches say ``yes``."""

    said: Mapping[str, str]

    @property
    def service(self) -> str:
        """The service that is replayed to; empty where none is chosen yet."""
        return self.said["service"]

    def terms(self) -> Terms:
        """Return how it is to be replayed. Raises UsageError."""
        try:
            mode, rate = Mode(self.said["mode"] or "missing"), float(self.said["rate"] or RATE)
        except ValueError:
            raise UsageError("a mode is missing or again, a rate a number", code="E640") from None
        return Terms(
            service=self.service,
            mode=mode,
            effects=self._is("effects"),
            cascade=self._is("cascade"),
            with_not_provable=self._is("include-not-provable"),
            rate=rate,
        )

    def request(self) -> Request:
        """Return which records are meant. Raises UsageError."""
        try:
            limit = int(self.said["limit"]) if self.said["limit"] else None
        except ValueError:
            raise UsageError("a limit is a count", code="E640") from None
        return Request(
            topics=self._several("topic"),
            begin=self.said["from"] or None,
            end=self.said["to"] or None,
            keys=self._several("key"),
            types=self._several("type"),
            flows=self._several("flow"),
            ids=self._several("id"),
            where=self.said["where"],
            limit=limit,
            pii=False,
        )

    def action(self) -> Action:
        """Return the action that makes the plan."""
        options = [("service", self.service), ("mode", self.said["mode"]), ("rate", self.said["rate"])]
        options += [(name, one) for name in SEVERAL for one in self._several(name)]
        options += [(name, self.said[name]) for name in ONE]
        told = tuple(f"--{name}={value}" for name, value in options if value)
        return Action(
            kind="plan",
            service=self.service,
            what=f"Look at what this would deliver to {self.service} again. Nothing is delivered by that.",
            arguments=("replay", "plan", *told, *(f"--{name}" for name in SWITCHES if self._is(name))),
            path="/replay/plan",
            button="Make the plan",
            fields={name: value for name, value in self.said.items() if value},
        )

    def _several(self, name: str) -> tuple[str, ...]:
        return tuple(self.said[name].split())

    def _is(self, name: str) -> bool:
        return self.said[name] == "yes"


def wanted_of(said: Mapping[str, str]) -> Wanted:
    """Return what a query or a form asks for. Raises RequestRefusedError where a value is too long."""
    names = ("service", "mode", "rate", *SEVERAL, *ONE, *SWITCHES)
    found = {name: said.get(name, "").strip() for name in names}
    if any(len(value) > MOST for value in found.values()):
        raise RequestRefusedError(f"a field takes {MOST} characters")
    return Wanted(said=found)
