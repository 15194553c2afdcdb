"""Intent: what whoever changes a mesh has to say first, at a terminal or on a page: why, how, and a word."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from farandole.errors import OperationError, UsageError
from farandole.operations.operation import MOST_COMMAND, MOST_NAME, MOST_WORDS, Operation, new_id

_IN_URL: Final = re.compile(r"(?<=://)[^/@\s]*@")
_ASKED: Final = re.compile(r"(?i)(--(?:where|key))(?:=.*)?", re.DOTALL)
_SECRET: Final = re.compile(r"(?i)(--[\w-]*(?:password|secret|token|credential)[\w-]*)(?:=.*)?", re.DOTALL)


def intended(
    kind: str,
    service: str,
    *,
    who: str,
    why: str,
    arguments: Sequence[str],
    claimed: str = "",
    context: str = "",
    id_: str = "",
    needs_reason: bool = True,
) -> Operation:
    """Return what is about to be done, by whom and why, under a new id unless one is given.

    ``arguments`` is the command line that does it. Raises UsageError where a reason is needed and none, or one too
    long, is given.
    """
    if needs_reason and not why.strip():
        raise UsageError(
            f"a {kind} needs a reason",
            why="it is kept for whoever asks later why this was done",
            do='give it: --reason "payments was down, ticket 4711"',
            code="E513",
        )
    if len(why) > MOST_WORDS or len(claimed) > MOST_NAME:
        raise UsageError(f"--reason takes {MOST_WORDS} characters, --as {MOST_NAME}", code="E513")
    now = datetime.now(UTC)
    return Operation(
        id=id_ or new_id(now),
        kind=kind,
        service=service,
        who=who[:MOST_NAME],
        claimed=claimed,
        why=why.strip(),
        at=now,
        command=command_line(arguments),
        context=context,
    )


def demand_word(word: str, said: str) -> None:
    """Return if the word that has to be typed was. Raises OperationError."""
    if said != word:
        raise not_meant(f"{said[:100] or 'nothing'} was typed, and not {word}")


def not_meant(why: str) -> OperationError:
    """Return the error that nobody said that it is meant."""
    return OperationError("it was not confirmed; nothing was done", why=why, do="", code="E515")


def command_line(arguments: Sequence[str]) -> str:
    """Return a command line without what is secret or may be personal in it.

    That is names and passwords in addresses, the values of --…password, and what --where and --key ask for: the
    selection beside it says as much of that as may be kept.
    """
    words, hide, asks = [f"{arguments[0].rpartition('/')[2]}"] if arguments else [], False, False
    for one in arguments[1:]:
        asked, secret = _ASKED.fullmatch(one), _SECRET.fullmatch(one)
        if asks or (hide and not one.startswith("--")):
            words.append("***")
            hide = asks = False
            continue
        if asked:
            words.append(f"{asked[1]}=***" if "=" in one else one)
        elif secret:
            words.append(f"{secret[1]}=***" if "=" in one else one)
        else:
            words.append(_IN_URL.sub("***@", one))
        hide, asks = secret is not None and "=" not in one, asked is not None and "=" not in one
    return " ".join(_quoted(one) for one in words)[:MOST_COMMAND]


def without_values(arguments: Sequence[str]) -> Sequence[str]:
    """Return a command line with the fields that ``--set`` names, and not their values: those may be personal."""
    return [
        f"{one.partition('=')[0]}=***"
        if before == "--set"
        else f"--set={one.removeprefix('--set=').partition('=')[0]}=***"
        if one.startswith("--set=")
        else one
        for before, one in zip(("", *arguments), arguments, strict=False)
    ]


def _quoted(word: str) -> str:
    return shlex.quote(word) if re.search(r"[\s'\"]", word) or not word else word
