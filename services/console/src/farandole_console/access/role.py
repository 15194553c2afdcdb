"""Role: what somebody may do in the console."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """Each may do what those before it may. The names, in lower case, are the words of settings and pages."""

    VIEWER = 1
    """Looks; people's data is masked."""
    OPERATOR = 2
    """Sends again, replays, puts aside, and may ask to see people's data."""
    ADMIN = 3
    """Also does what reaches outside systems a second time, or cannot be taken back."""

    @property
    def word(self) -> str:
        """The name as it is written."""
        return self.name.lower()


def role_of(word: str) -> Role | None:
    """Return the role of that name; None where there is none."""
    return next((role for role in Role if role.word == word.strip().lower()), None)
