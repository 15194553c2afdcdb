"""Blueprint: the service that is asked for, with every name decided and looked at."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from farandole.contracts import SchemaFile
from farandole.errors import UsageError
from farandole.scaffold.workspace import Workspace
from farandole.selection.nearest import nearest

LONGEST_WORD: Final = 24
LONGEST_EVENT: Final = 40
"""What is written must fit its lines, whatever the names."""
WORDS: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
EVENT: Final = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
TOPIC: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Blueprint:
    """A service to write: what it hears and emits, and on what it stands.

    ``heard`` is the schema of an event that is there; without one the service gets an event of its own to hear.
    """

    name: str
    hears: str
    heard: SchemaFile | None
    emits: str
    topic: str
    key: str
    store: bool
    depends_on: str

    @property
    def module(self) -> str:
        """The name as Python writes it."""
        return self.name.replace("-", "_")

    @property
    def package(self) -> str:
        """The package of the service."""
        return f"farandole_{self.module}"

    @property
    def asked_on(self) -> str:
        """The topic of the event that the service gets to hear."""
        return f"{self.topic}_requests"


def blueprint(
    workspace: Workspace,
    name: str,
    *,
    hears: str = "",
    emits: str = "",
    topic: str = "",
    silent: bool = False,
    store: bool | None = None,
    depends_on: str = "",
) -> Blueprint:
    """Decide every name of a service. Raises UsageError where one is none, is taken, or names what is not there."""
    _demand(WORDS, name, "service", "small letters and digits, words joined by -, as gift-cards")
    module = name.replace("-", "_")
    if name in workspace.services or module in workspace.services:
        raise _taken(f"there is a service {name}", f"services/{module} is there")
    by_name = {str(one.avsc["name"]): one for one in workspace.schemas}
    heard = by_name.get(hears.rpartition(".")[2])
    if hears and heard is None:
        raise UsageError(
            f"there is no event {hears}",
            why="a service hears an event that has a schema",
            do=nearest(hears.rpartition(".")[2], by_name),
            code="E588",
        )
    if silent and (emits or topic):
        raise UsageError("a silent service emits nothing", do="leave out --silent, or --emits and --topic", code="E585")
    camel = "".join(word.capitalize() for word in name.split("-"))
    made = Blueprint(
        name=name,
        hears=str(heard.avsc["name"]) if heard else f"{camel}Requested",
        heard=heard,
        emits="" if silent else emits or f"{camel}Answered",
        topic=topic or module,
        key=str(heard.avsc["key"]) if heard else f"{module}_id",
        store=bool(depends_on) if store is None else store,
        depends_on=depends_on,
    )
    _look(made, workspace, by_name)
    return made


def _look(made: Blueprint, workspace: Workspace, by_name: Mapping[str, SchemaFile]) -> None:
    if made.emits:
        _demand(EVENT, made.emits, "event", "a fact in the past tense in CamelCase, as PointsAwarded")
        if made.emits in by_name:
            raise _taken(f"there is an event {made.emits}", f"schemas/{by_name[made.emits].path} is there")
    if made.heard is None and made.hears in by_name:
        raise _taken(f"there is an event {made.hears}", f"schemas/{by_name[made.hears].path} is there")
    _demand(TOPIC, made.topic, "topic", "small letters, digits and _, as gift_cards")
    topics = {one.topic for one in workspace.schemas}
    wanted = ([made.topic] if made.emits else []) + ([made.asked_on] if made.heard is None else [])
    for topic in wanted:
        if topic in topics:
            raise _taken(f"there is a topic {topic}", "a topic has one writer", "name another with --topic")
    if made.depends_on:
        _demand(
            WORDS, made.depends_on, "outside system", "small letters and digits, words joined by -, as card-printer"
        )
        if made.depends_on.replace("-", "_") in {"service", "settings", "tables", "answering", made.module}:
            raise _taken(f"{made.depends_on} is a name that the service needs itself", "a module is called so")
        if not made.store:
            raise UsageError(
                f"{made.name} asks {made.depends_on} and keeps nothing",
                why="a service with an outside effect needs a store, to remember what it answered",
                do="leave out --no-store",
                code="E590",
            )


def _demand(shape: re.Pattern[str], name: str, what: str, is_: str) -> None:
    longest = LONGEST_EVENT if shape is EVENT else LONGEST_WORD
    if shape.fullmatch(name) and len(name) <= longest and not keyword.iskeyword(name):
        return
    raise UsageError(
        f"{name!r} names no {what}",
        why=f"a name is {is_}, of {longest} characters at most, and no word of Python",
        do="choose another",
        code="E585",
    )


def _taken(what: str, why: str, do: str = "choose another name") -> UsageError:
    return UsageError(what, why=why, do=do, code="E586")
