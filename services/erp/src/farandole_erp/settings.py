"""Settings: what the environment says about the ERP."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ErpSettings(BaseSettings):
    """The environment, read once at start. Durations are seconds or ISO 8601 (``PT10S``)."""

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_ERP_", frozen=True, extra="ignore")

    erp_url: str = Field(
        default="http://127.0.0.1:8099",
        validation_alias=AliasChoices("FARANDOLE_ERP_URL", "FARANDOLE_URL_SANDBOX"),
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=2), gt=timedelta(0))
    answer_timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta(0))
