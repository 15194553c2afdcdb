"""Duration: a length of time in a setting: seconds, as people write them, or ISO 8601."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator


def _seconds(value: object) -> object:
    """Read a bare number as seconds; leave ISO 8601 to pydantic."""
    if isinstance(value, str):
        try:
            return timedelta(seconds=float(value))
        except (ValueError, OverflowError):
            return value
    return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]
"""A field of a settings class: ``15``, ``0.5`` or ``PT15S`` in the environment, a timedelta in the code."""
