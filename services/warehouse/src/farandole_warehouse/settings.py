"""Settings: what the environment says about the warehouse."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WarehouseSettings(BaseSettings):
    """The environment, read once at start. Durations are seconds or ISO 8601 (``PT10S``)."""

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_WAREHOUSE_", frozen=True, extra="ignore")

    wms_url: str = Field(
        default="http://127.0.0.1:8099",
        validation_alias=AliasChoices("FARANDOLE_WAREHOUSE_WMS_URL", "FARANDOLE_URL_SANDBOX"),
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=2), gt=timedelta(0))
    answer_timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta(0))
