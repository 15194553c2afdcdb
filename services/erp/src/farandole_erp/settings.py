"""Settings: what the environment says about the ERP."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from farandole.outside import ANSWER_WITHIN, CONNECT_WITHIN
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ErpSettings(BaseSettings):
    """The environment, read once at start. Durations are seconds or ISO 8601 (``PT10S``)."""

    model_config = SettingsConfigDict(
        env_prefix="FARANDOLE_ERP_", frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    erp_url: str = Field(
        default="http://127.0.0.1:8099",
        validation_alias=AliasChoices("FARANDOLE_ERP_URL", "FARANDOLE_URL_SANDBOX"),
    )
    connect_within: Duration = Field(default=CONNECT_WITHIN, gt=timedelta(0))
    answer_within: Duration = Field(default=ANSWER_WITHIN, gt=timedelta(0))
