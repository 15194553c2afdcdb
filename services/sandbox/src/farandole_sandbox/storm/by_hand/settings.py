"""Settings: what the environment says about the consumer by hand."""

from __future__ import annotations

import os
from typing import Final

import msgspec
from farandole.retry import Backoff

from farandole_sandbox.storm.way import Way

VARIABLE: Final = "FARANDOLE_STORM_BY_HAND"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How it tries again, and how many calls it makes at once; ``backoff`` is heeded where the way is to back off."""

    way: Way
    connections: int
    backoff: Backoff


def to_environment(settings: Settings) -> dict[str, str]:
    """Return the settings as a process is told them."""
    return {VARIABLE: msgspec.json.encode(settings).decode()}


def from_environment() -> Settings:
    """Read what this process was told."""
    return msgspec.json.decode(os.environ[VARIABLE], type=Settings)
