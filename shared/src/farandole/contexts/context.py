"""Context: a mesh by its name, as a file of the operator's describes it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Final

import msgspec

from farandole.contexts.secret import Secret, has_password

IN_CLEAR: Final = "in the file"


class Role(Enum):
    """What whoever uses a context may do. The brokers' own permissions are what protects a mesh; this is a reminder."""

    VIEWER = "viewer"
    """Look only: whatever changes something, and whatever shows personal data, is refused."""
    OPERATOR = "operator"
    """Everything."""


class Context(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named mesh. What is left out is as a service's settings have it; ``databases`` are by service."""

    brokers: Annotated[str, msgspec.Meta(min_length=1)]
    redis_url: Secret
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: Secret = ""
    ca_file: str = ""
    cluster: str = ""
    registry_ids: str = ""
    databases: dict[str, Secret] = {}
    ledger_window_days: Annotated[float, msgspec.Meta(gt=0)] = 7.0
    inbox_window_days: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    role: Role = Role.VIEWER
    production: bool = False

    @property
    def in_clear(self) -> Iterator[str]:
        """The names of the values that are secret, and stand in the file as they are."""
        return (name for name, where in self.kept if where == IN_CLEAR)

    @property
    def kept(self) -> Iterator[tuple[str, str]]:
        """The names of the values that are secret, and where each is kept."""
        if self.sasl_password:
            yield "sasl_password", _place(self.sasl_password)
        urls = {"redis_url": self.redis_url, **{f"databases.{name}": url for name, url in self.databases.items()}}
        for name, url in urls.items():
            if not isinstance(url, str) or has_password(url):
                yield name, _place(url)


def _place(secret: Secret) -> str:
    if isinstance(secret, str):
        return IN_CLEAR
    return f"${secret.env}" if secret.env else secret.file
