"""Settings: what the environment says about this sandbox."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from farandole.duration import Duration
from farandole.errors import StartError
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

_SQLITE: Final = ("sqlite:///", "sqlite+aiosqlite:///")


Seconds = Annotated[Duration, Field(ge=timedelta(0))]


class Settings(BaseSettings):
    """The environment, read once at start. Durations are seconds (``0.5``) or ISO 8601 (``PT0.5S``)."""

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_", frozen=True, extra="ignore")

    home: Path = Path(".farandole")
    database_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    url_shipping: str = ""
    url_suppliers: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8099, ge=0, le=65535)

    sandbox_seed: int = 0
    sandbox_latency: Seconds = timedelta(milliseconds=3)
    sandbox_hold_lifetime: Seconds = timedelta(days=7)
    sandbox_delivery_delay: Seconds = timedelta(milliseconds=500)
    sandbox_supply_delay: Seconds = timedelta(milliseconds=500)
    sandbox_delay_jitter: Seconds = timedelta(milliseconds=200)
    sandbox_first_backoff: Seconds = timedelta(milliseconds=200)
    sandbox_longest_backoff: Seconds = timedelta(seconds=10)
    sandbox_faults: bool = True

    @property
    def books_path(self) -> Path:
        """Where the books are kept: the file of ``database_url``, else below ``home``.

        Raises:
            StartError: the URL names something other than a SQLite file.
        """
        if not self.database_url:
            return self.home / "sandbox" / "books.sqlite3"
        for prefix in _SQLITE:
            if self.database_url.startswith(prefix) and len(self.database_url) > len(prefix):
                return Path(self.database_url.removeprefix(prefix).partition("?")[0])
        raise StartError(
            "the sandbox cannot keep its books there",
            why="it keeps them in a SQLite file, and FARANDOLE_DATABASE_URL names no such file",
            do="set FARANDOLE_DATABASE_URL=sqlite:///PATH for the sandbox, or leave it out",
            code="E140",
        )


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        StartError: a value cannot be read; the sentence names the setting, never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        names = ", ".join(f"FARANDOLE_{str(each['loc'][0]).upper()}" for each in error.errors(include_input=False))
        raise StartError(
            "the sandbox cannot read its settings", why=f"{names} cannot be read", do="correct them", code="E141"
        ) from None
