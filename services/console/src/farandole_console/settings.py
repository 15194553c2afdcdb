"""Settings: what the environment says about the console."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConsoleSettings(BaseSettings):
    """The environment, read once at start. Durations are ISO 8601 (``P14D``) or ``HH:MM:SS``.

    ``retention`` is how long a flow is shown after its latest event; ``most_pruned`` how many flows one turn of the
    pruning forgets at most, so that it never holds up the indexing for long.
    """

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_CONSOLE_", frozen=True, extra="ignore")

    retention: Duration = Field(default=timedelta(days=14), gt=timedelta(0))
    most_pruned: int = Field(default=500, gt=0)
