"""Client: whom a request comes from, as far as it can be believed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import Scope

KEY_HEADER: Final = "x-api-key"


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A sender of requests. ``account`` is empty for one that showed no known key; ``name`` is never empty."""

    name: str
    account: str = ""


class Clients:
    """Knows the keys that were handed out, by their digests.

    A key that was not handed out counts for nothing, and neither does X-Forwarded-For: whoever can choose his name
    can choose a new one for each request.
    """

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._accounts = {_digest(key.get_secret_value()) for key in keys}

    def of(self, scope: Scope) -> Client:
        """Return the client of an HTTP request: its account, or else the address that it came from."""
        key = Headers(scope=scope).get(KEY_HEADER)
        if key is not None and (account := _digest(key)) in self._accounts:
            return Client(name=account, account=account)
        peer = scope.get("client")
        return Client(name=peer[0] if peer else "unknown")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
