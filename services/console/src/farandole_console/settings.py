"""Settings: what the environment says about the console."""

from __future__ import annotations

from datetime import timedelta

from farandole.duration import Duration
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConsoleSettings(BaseSettings):
    """The environment, read once at start. Durations are ISO 8601 (``P14D``) or ``HH:MM:SS``.

    ``retention`` is how long a flow is shown after its latest event; ``most_pruned`` how many flows one turn of the
    pruning forgets at most, so that it never holds up the indexing for long.
    """

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_CONSOLE_", frozen=True, extra="ignore")

    retention: Duration = Field(default=timedelta(days=14), gt=timedelta(0))
    most_pruned: int = Field(default=500, gt=0)
    tokens: SecretStr = Field(
        default=SecretStr(""),
        description="Who may sign in: `name:role:secret`, several separated by blanks. Roles are viewer, operator and "
        "admin; a secret has 24 characters at least.",
    )
    session: Duration = Field(default=timedelta(hours=12), gt=timedelta(0), description="How long one stays signed in.")
    proxies: str = Field(
        default="",
        description="The addresses (`10.0.3.7/32`) of proxies that sign people in. Their headers are believed, and no "
        "one else's.",
    )
    user_header: str = Field(default="X-Auth-Request-User", description="In which header a proxy names who signed in.")
    groups_header: str = Field(default="X-Auth-Request-Groups", description="… and the groups, separated by commas.")
    groups: dict[str, str] = Field(
        default_factory=dict, description='What a group may do: `{"mesh-operators": "operator"}`.'
    )
    public_url: str = Field(
        default="",
        description="At which address people open the console (`https://console.example`), where a gateway in front "
        "of it changes the Host header.",
    )
    context: str = Field(
        default="",
        description="What operators call this mesh (`farandole contexts`): the commands that pages show name it.",
    )
    production: bool = Field(
        default=False, description="Whether the name of the service has to be typed before something is done to it."
    )
