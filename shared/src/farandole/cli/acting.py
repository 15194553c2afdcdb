"""Acting: what every command that changes something is told: why, by whom, and that it is meant."""

from __future__ import annotations

import getpass
import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from cyclopts import Parameter

from farandole.errors import OperationError, UsageError
from farandole.operations.operation import MOST_COMMAND, MOST_NAME, MOST_WORDS, Operation, new_id

MOST_SECONDS: Final = 1_000_000
_IN_URL: Final = re.compile(r"(?<=://)[^/@\s]*@")
_ASKED: Final = re.compile(r"(?i)(--(?:where|key))(?:=.*)?", re.DOTALL)
_SECRET: Final = re.compile(r"(?i)(--[\w-]*(?:password|secret|token|credential)[\w-]*)(?:=.*)?", re.DOTALL)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Acting:
    """The options of a command that changes something."""

    reason: Annotated[str, Parameter(help="Why; kept for ever beside what was done.")] = ""
    yes: Annotated[bool, Parameter(negative="", help="Do not ask whether it is meant.")] = False
    confirm: Annotated[str, Parameter(help="What would have to be typed, where --yes is not enough.")] = ""
    claimed: Annotated[str, Parameter(name="--as", help="Who you are, where the machine cannot know.")] = ""

    def operation(
        self, kind: str, service: str, *, needs_reason: bool = True, context: str = "", id_: str = ""
    ) -> Operation:
        """Return what is about to be done, by whom and why, under a new id unless one is given.

        Raises UsageError where a reason is needed and none, or one too long, is given.
        """
        if needs_reason and not self.reason.strip():
            raise UsageError(
                f"a {kind} needs a reason",
                why="it is kept for whoever asks later why this was done",
                do='give it: --reason "payments was down, ticket 4711"',
                code="E513",
            )
        if len(self.reason) > MOST_WORDS or len(self.claimed) > MOST_NAME:
            raise UsageError(f"--reason takes {MOST_WORDS} characters, --as {MOST_NAME}", code="E513")
        now = datetime.now(UTC)
        return Operation(
            id=id_ or new_id(now),
            kind=kind,
            service=service,
            who=who(),
            claimed=self.claimed,
            why=self.reason.strip(),
            at=now,
            command=command_line(sys.argv),
            context=context,
        )

    def make_sure(self, what: str, *, word: str = "") -> None:
        """Return if it is meant; ``what`` is the sentence that is asked about, without a question mark.

        Without a ``word`` a y, or ``--yes``, will do. With one (the service, the number of events) that word has to be
        typed, or given by ``--confirm``: for what reaches outside systems, and for meshes in production.
        Raises OperationError where it is not meant, UsageError where nobody is there to be asked.
        """
        if (word and self.confirm == word) or (not word and self.yes):
            return
        option = f"--confirm {word}" if word else "--yes"
        if self.confirm and word:
            raise _not_meant(f"--confirm says {self.confirm}, and not {word}")
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(f"{what}: nobody is here to say whether it is meant", do=f"add {option}", code="E515")
        wanted = f"type {word} to go on" if word else "y to go on"
        sys.stderr.write(f"{what} ({wanted}): ")
        sys.stderr.flush()
        said = sys.stdin.readline().strip()
        if said != word if word else said.lower() not in {"y", "yes"}:
            raise _not_meant(f"{said or 'nothing'} was typed")


def waited(seconds: float) -> timedelta:
    """Return what ``--wait`` says. Raises UsageError where it is no time, or longer than anybody waits."""
    if not 0 <= seconds <= MOST_SECONDS:  # which is false of what is no number, too
        raise UsageError(
            f"--wait takes a number of seconds, {MOST_SECONDS:,} at most", why="so long is waited", code="E503"
        )
    return timedelta(seconds=seconds)


def who() -> str:
    """Return who acts, as far as this machine knows: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"[:MOST_NAME]


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


def _quoted(word: str) -> str:
    return f"'{word}'" if re.search(r"\s", word) or not word else word


def _not_meant(why: str) -> OperationError:
    return OperationError("it was not confirmed; nothing was done", why=why, do="", code="E515")
