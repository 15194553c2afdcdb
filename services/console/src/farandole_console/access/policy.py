"""Policy: by what means people may come in, decided once, when the console starts."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Final

from farandole.errors import StartError
from farandole.settings import Settings

from farandole_console.access.origin import is_loopback
from farandole_console.access.proxy import Proxy, read_proxy
from farandole_console.access.role import Role
from farandole_console.access.seal import Seal
from farandole_console.access.session import Sessions
from farandole_console.access.tokens import Tokens, read_tokens
from farandole_console.access.user import User
from farandole_console.settings import ConsoleSettings

_PLAIN: Final = "PLAINTEXT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """``anybody`` is who everybody is that reaches the console; None where there are means to say who one is."""

    tokens: Tokens
    proxy: Proxy | None
    anybody: User | None
    seal: Seal
    sessions: Sessions
    public: str = ""


def policy_of(settings: Settings, console: ConsoleSettings) -> Policy:
    """Return the policy. Raises StartError where strangers could come in, or a setting cannot be used."""
    secrets = console.tokens.get_secret_value()
    tokens = read_tokens(secrets)
    proxy = read_proxy(
        console.proxies,
        user_header=console.user_header,
        groups_header=console.groups_header,
        groups=console.groups,
    )
    proved = bool(tokens) or proxy is not None
    if not proved and not is_loopback(settings.http_host):
        raise StartError(
            f"the console does not open {settings.http_host} to strangers",
            why="it is reachable from other machines there, and nobody would have to say who he is",
            do="set FARANDOLE_CONSOLE_TOKENS to name:role:secret, or FARANDOLE_CONSOLE_PROXIES to the addresses of a "
            "proxy that signs people in, or FARANDOLE_HTTP_HOST to 127.0.0.1",
            code="E630",
        )
    # The same in each replica and after a restart, and another one as soon as a token changes.
    seal = Seal(sha256(b"farandole console seal\x00" + secrets.encode()).digest() if tokens else token_bytes(32))
    return Policy(
        tokens=tokens,
        proxy=proxy,
        anybody=None if proved else _anybody(settings),
        seal=seal,
        sessions=Sessions(seal=seal, tokens=tokens, lasts=console.session),
        public=console.public_url,
    )


def _anybody(settings: Settings) -> User:
    """Return who somebody is that reaches the console on its own machine: no more than he is without it.

    The embedded mesh asks nobody for a password, so whoever is on the machine can do everything to it anyhow. Brokers
    elsewhere know the console, and not him: he may look.
    """
    bare = settings.security_protocol == _PLAIN and all(
        is_loopback(one.strip().rpartition(":")[0].strip("[]")) for one in settings.brokers.split(",")
    )
    return User(name=_who(), role=Role.ADMIN if bare else Role.VIEWER, means="loopback")


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"[:200]
