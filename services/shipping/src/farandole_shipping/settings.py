"""Settings: what the environment says about shipping."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from farandole.outside import ANSWER_WITHIN, CONNECT_WITHIN
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ShippingSettings(BaseSettings):
    """The environment, read once at start. Durations are seconds or ISO 8601 (``PT10S``)."""

    model_config = SettingsConfigDict(
        env_prefix="FARANDOLE_SHIPPING_", frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    carriers_url: str = Field(
        default="http://127.0.0.1:8099",
        validation_alias=AliasChoices("FARANDOLE_SHIPPING_CARRIERS_URL", "FARANDOLE_URL_SANDBOX"),
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("FARANDOLE_SHIPPING_WEBHOOK_SECRET", "FARANDOLE_WEBHOOK_SECRET"),
        description="Verifies the carriers' webhooks; several while one is being rotated.",
    )
    connect_within: Duration = Field(default=CONNECT_WITHIN, gt=timedelta(0))
    answer_within: Duration = Field(default=ANSWER_WITHIN, gt=timedelta(0))
