"""Session: that somebody signed in with a token, as his browser's cookie says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from farandole_console.access.seal import Seal
from farandole_console.access.tokens import Token, Tokens

COOKIE: Final = "farandole_session"
_PURPOSE: Final = "session"
_LATEST: Final = 10**11


@dataclass(frozen=True, kw_only=True, slots=True)
class Sessions:
    """Makes sessions and knows them again. What one may do is looked up each time: a token taken away ends its own."""

    seal: Seal
    tokens: Tokens
    lasts: timedelta

    def begun(self, token: Token, now: datetime) -> str:
        """Return the cookie of somebody who has just signed in."""
        return self.seal.sealed(_PURPOSE, f"{int(now.timestamp())}|{token.print}|{token.name}")

    def token_of(self, cookie: str, now: datetime) -> Token | None:
        """Return by which token the bearer of a cookie signed in; None where it is none, over, or taken away."""
        text = self.seal.opened(_PURPOSE, cookie)
        if text is None:
            return None
        at, _, rest = text.partition("|")
        print_, _, name = rest.partition("|")
        if not (at.isdecimal() and int(at) < _LATEST):
            return None
        age = now - datetime.fromtimestamp(int(at), UTC)
        return self.tokens.of_name(name, print_) if timedelta(0) <= age + _SKEW and age < self.lasts else None


_SKEW: Final = timedelta(minutes=1)
