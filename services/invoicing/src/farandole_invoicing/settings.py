"""Settings: what the environment says about invoicing."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class InvoicingSettings(BaseSettings):
    """The environment, read once at start: who issues the invoices, and when an unpaid one is due.

    ``seller_address`` is a JSON list of lines. What an invoice says is stored with it: later settings change nothing.
    """

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_INVOICING_", frozen=True, extra="ignore")

    seller_name: str = Field(default="Northwind Traders", min_length=1)
    seller_address: tuple[str, ...] = ("1 Harbour Road", "Seattle, WA 98101", "USA")
    seller_tax_id: str = ""
    payment_term: Duration = Field(default=timedelta(days=14), ge=timedelta(0))
