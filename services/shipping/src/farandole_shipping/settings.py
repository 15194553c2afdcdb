"""Settings: what the environment says about shipping."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ShippingSettings(BaseSettings):
    """The environment, read once at start. Durations are seconds or ISO 8601 (``PT10S``)."""

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_SHIPPING_", frozen=True, extra="ignore")

    carriers_url: str = Field(
        default="http://127.0.0.1:8099",
        validation_alias=AliasChoices("FARANDOLE_SHIPPING_CARRIERS_URL", "FARANDOLE_URL_SANDBOX"),
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("FARANDOLE_SHIPPING_WEBHOOK_SECRET", "FARANDOLE_WEBHOOK_SECRET"),
        description="Verifies the carriers' webhooks; several while one is being rotated.",
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=2), gt=timedelta(0))
    answer_timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta(0))
