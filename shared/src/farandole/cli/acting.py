"""Acting: what every command that changes something is told: why, by whom, and that it is meant."""

from __future__ import annotations

import getpass
import socket
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from cyclopts import Parameter

from farandole.errors import UsageError
from farandole.operations.intent import intended, not_meant
from farandole.operations.operation import MOST_NAME, Operation

MOST_SECONDS: Final = 1_000_000


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
        return intended(
            kind,
            service,
            who=who(),
            why=self.reason,
            claimed=self.claimed,
            arguments=sys.argv,
            context=context,
            id_=id_,
            needs_reason=needs_reason,
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
            raise not_meant(f"--confirm says {self.confirm}, and not {word}")
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(f"{what}: nobody is here to say whether it is meant", do=f"add {option}", code="E515")
        wanted = f"type {word} to go on" if word else "y to go on"
        sys.stderr.write(f"{what} ({wanted}): ")
        sys.stderr.flush()
        said = sys.stdin.readline().strip()
        if said != word if word else said.lower() not in {"y", "yes"}:
            raise not_meant(f"{said or 'nothing'} was typed")


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
