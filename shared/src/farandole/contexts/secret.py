"""Secret: a value of a context, in clear, or where it is kept: ``{ env = "NAME" }`` or ``{ file = "path" }``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from farandole.errors import UsageError

MOST_BYTES: Final = 10_000
_PASSWORD: Final = re.compile(r"://[^/@\s]*:[^/@\s]+@")


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value is kept: in an environment variable, or in a file. One of both is named."""

    env: str = ""
    file: str = ""

    def __post_init__(self) -> None:
        if bool(self.env) == bool(self.file):
            raise ValueError('is { env = "NAME" } or { file = "path" }')


Secret = str | Kept
"""What a context's file says of a value that may be secret."""


def has_password(value: str) -> bool:
    """Say whether an address carries a password."""
    return _PASSWORD.search(value) is not None


def revealed(secret: Secret, *, what: str, environment: Mapping[str, str]) -> str:
    """Return the value. Raises UsageError, which never holds it, where it is not where it is said to be."""
    if isinstance(secret, str):
        return secret
    if secret.env:
        value = environment.get(secret.env, "")
        if not value:
            raise UsageError(
                f"{what} is in the environment variable {secret.env}, which is not set",
                do=f"set {secret.env}, without showing it: read -rs {secret.env}; export {secret.env}",
                code="E519",
            )
        return value
    path = Path(secret.file).expanduser()
    try:
        with path.open("rb") as file:
            value = file.read(MOST_BYTES).decode().strip()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{what} is in the file {path}, which cannot be read",
            why=getattr(error, "strerror", None) or "it is no text",
            do="make it readable for this user, or correct the context",
            code="E519",
        ) from error
    if not value:
        raise UsageError(f"{what} is in the file {path}, which is empty", do="write it there", code="E519")
    return value
