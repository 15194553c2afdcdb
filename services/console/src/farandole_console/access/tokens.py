"""Tokens: the secrets by which people and tools sign in, each with a name and a role."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from farandole.errors import StartError

from farandole_console.access.role import Role, role_of

SHORTEST: Final = 24
"""Characters. 24 random ones of base64 are beyond guessing, also for who has a session's signature to try them on."""
MOST: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A secret, whose it is, and what it permits."""

    name: str
    role: Role
    secret: str = field(repr=False)

    @property
    def print(self) -> str:
        """What tells it from a later token of the same name, without giving it away."""
        return sha256(b"farandole console token\x00" + self.secret.encode()).hexdigest()[:16]


class Tokens:
    """Every token of a console."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple(tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    def of_secret(self, said: str) -> Token | None:
        """Return the token that was said. Each is compared, wholly: how long it takes tells nothing."""
        digest = sha256(said.encode("utf-8", "surrogatepass")).digest()
        found: Token | None = None
        for one in self._tokens:
            if hmac.compare_digest(sha256(one.secret.encode()).digest(), digest):
                found = one
        return found

    def of_name(self, name: str, print_: str) -> Token | None:
        """Return the token of that name, unless it was replaced since its print was taken."""
        return next((one for one in self._tokens if one.name == name and one.print == print_), None)


def read_tokens(said: str) -> Tokens:
    """Read ``name:role:secret``, separated by white space or commas. Raises StartError, and never shows a secret."""
    tokens = [_token(number, one) for number, one in enumerate(said.replace(",", " ").split(), 1)]
    names = [one.name for one in tokens]
    if len(tokens) > MOST or len(set(names)) < len(names) or len({one.secret for one in tokens}) < len(tokens):
        raise _unfit("each name and each secret may be there once, a thousand of them at most")
    return Tokens(tokens)


def _token(number: int, said: str) -> Token:
    name, _, rest = said.partition(":")
    word, _, secret = rest.partition(":")
    role = role_of(word)
    if not name or not name.isprintable() or len(name) > 100 or role is None:
        raise _unfit(f"number {number} is not of the form name:role:secret; roles are {_words(Role)}")
    if len(secret) < SHORTEST:
        raise _unfit(f"the secret of {name} has {len(secret)} characters, and {SHORTEST} are the least")
    return Token(name=name, role=role, secret=secret)


def _words(roles: Iterable[Role]) -> str:
    return ", ".join(role.word for role in roles)


def _unfit(why: str) -> StartError:
    return StartError(
        "the tokens of the console cannot be used",
        why=why,
        do="set FARANDOLE_CONSOLE_TOKENS to name:role:secret, several separated by blanks; "
        "a secret: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        code="E631",
    )
