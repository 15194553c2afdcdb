"""Action: something that an operator may do from a page, and the command that does the very same. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from farandole_console.access.role import Role

UNSAID = '"…"'
"""What stands for a reason that nobody has given yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """``kind`` and ``service`` are what the audit topic calls it, ``what`` is the sentence that is asked about.

    ``arguments`` are those of the equal command after ``farandole``, with neither reason, context nor confirmation.
    Where that only looks, it takes no reason (``takes_reason``); the page still does.
    ``word`` is what has to be typed, empty where a button will do. ``path`` is where the form goes, with ``fields``
    (hidden ones) in it; ``button`` is what stands on its button, and ``harms`` tells that it is a red one.
    """

    kind: str
    service: str
    what: str
    arguments: Sequence[str]
    path: str
    button: str
    word: str = ""
    role: Role = Role.OPERATOR
    harms: bool = False
    takes_reason: bool = True
    fields: Mapping[str, str] = field(default_factory=dict[str, str])

    def command(self, *, context: str = "", reason: str = "") -> Sequence[str]:
        """Return the whole command line that does the same; without a reason, up to it."""
        where = ("--context", context) if context else ()
        sure = ("--confirm", self.word) if self.word else ("--yes",) if self.kind in _ASKING else ()
        why = ("--reason", reason) if reason and self.takes_reason else ()
        return ("farandole", *self.arguments, *where, *sure, *why)

    def written(self, *, context: str = "") -> str:
        """Return the command as one types it into a shell, up to its reason."""
        return shlex.join(self.command(context=context)) + (" --reason" if self.takes_reason else "")


_ASKING = frozenset({"redrive", "discard", "reopen", "edit", "replay"})
"""The kinds whose command asks whether it is meant."""
