"""Settings: what the environment says about this inventory."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from farandole.duration import Duration
from farandole.errors import StartError
from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class InventorySettings(BaseSettings):
    """The environment, read once at start. Durations are seconds or ISO 8601 (``P3D``)."""

    model_config = SettingsConfigDict(
        env_prefix="FARANDOLE_INVENTORY_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    products_csv: Path | None = Field(
        default=None,
        description="The first stock, read once while the table is empty; Northwind's where it is not set.",
    )
    backorder_deadline: Duration = Field(
        default=timedelta(days=3),
        gt=timedelta(0),
        description="How long an order waits for goods before it is rejected.",
    )
    hold_lifetime: Duration = Field(
        default=timedelta(days=7), description="How long the payment gateway keeps a hold on a customer's card."
    )
    headroom: int = Field(
        default=100,
        ge=1,
        le=10**6,
        description="Units above the reorder level to which a replenishment fills the stock up.",
    )
    deadlines_at_once: int = Field(
        default=100, ge=1, le=10_000, description="Orders past their deadline ended in one go."
    )

    @model_validator(mode="after")
    def _the_hold_outlives_the_wait(self) -> Self:
        if self.backorder_deadline >= self.hold_lifetime:
            raise StartError(
                "an order may wait for goods longer than its payment is held",
                why=f"the wait is {self.backorder_deadline}, the hold {self.hold_lifetime}:"
                " goods could be packed that nobody can be charged for",
                do="set FARANDOLE_INVENTORY_BACKORDER_DEADLINE below FARANDOLE_INVENTORY_HOLD_LIFETIME",
                code="E130",
            )
        return self
