"""Settings: what the environment says about payments."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from farandole.outside import ANSWER_WITHIN, CONNECT_WITHIN
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PaymentsSettings(BaseSettings):
    """The environment, read once at start. Durations are ISO 8601 (``PT10S``) or ``HH:MM:SS``.

    ``shortest_hold`` is how long a hold must live so that the goods can leave before it lapses: the longest backorder
    plus packing. A gateway that grants less is told of in the log; such an order may end up invoiced as unpaid.
    """

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_PAYMENTS_", frozen=True, extra="ignore")

    gateway_url: str = Field(
        default="http://127.0.0.1:8099",
        validation_alias=AliasChoices("FARANDOLE_PAYMENTS_GATEWAY_URL", "FARANDOLE_URL_SANDBOX"),
    )
    connect_within: Duration = Field(default=CONNECT_WITHIN, gt=timedelta(0))
    answer_within: Duration = Field(default=ANSWER_WITHIN, gt=timedelta(0))
    shortest_hold: Duration = Field(default=timedelta(days=1), ge=timedelta(0))
