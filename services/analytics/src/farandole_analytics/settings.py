"""Settings: what the environment says about analytics."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from farandole.duration import Duration
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class AnalyticsSettings(BaseSettings):
    """The environment, read once at start. Durations are ISO 8601 (``PT10S``) or ``HH:MM:SS``.

    ``keep`` is how far back minutes are kept, with the ids that were counted in them; an order that arrives later than
    that is not counted. ``settle`` is how long a minute must have been quiet before its figures are told to the mesh.
    """

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_ANALYTICS_", frozen=True, extra="ignore")

    keep: Duration = Field(default=timedelta(days=1), ge=timedelta(minutes=10))
    settle: Duration = Field(default=timedelta(seconds=10), gt=timedelta(0))
    tell_every: Duration = Field(default=timedelta(seconds=2), gt=timedelta(0))
    home: Path = Field(default=Path(), validation_alias=AliasChoices("FARANDOLE_ANALYTICS_HOME", "FARANDOLE_HOME"))
