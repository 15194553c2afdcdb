"""Settings: what the environment says about taking orders (``FARANDOLE_ORDERS_…``)."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class OrdersSettings(BaseSettings):
    """The environment, read once at start. Durations are seconds or ISO 8601 (``PT24H``)."""

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_ORDERS_", frozen=True, extra="ignore")

    rate_per_second: float = Field(500.0, gt=0, description="Requests a second that one client may send.")
    burst: int = Field(1000, gt=0, description="Requests that a client may send at once after a rest.")
    client_keys: tuple[SecretStr, ...] = Field(
        (),
        description="Keys handed out to shops; a request with one (X-Api-Key) is known by it instead of its address.",
    )
    body_limit: int = Field(256 * 1024, gt=0, le=900_000, description="The longest request body, in bytes.")
    body_timeout: Duration = Field(
        timedelta(seconds=15), gt=timedelta(0), description="How long a client may take to send its body."
    )
    idempotency_window: Duration = Field(
        timedelta(hours=24), ge=timedelta(minutes=1), description="How long an Idempotency-Key and its answer are kept."
    )
    store_width: int = Field(
        8, gt=0, le=18, description="Requests that use the database at once; the rest wait in order of arrival."
    )
