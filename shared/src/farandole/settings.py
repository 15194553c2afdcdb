"""Settings: what every service is told by its environment (``FARANDOLE_…``)."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from farandole.duration import Duration


class Settings(BaseSettings):
    """The settings that the library reads for every service. A service's own settings have a prefix of their own."""

    model_config = SettingsConfigDict(env_prefix="FARANDOLE_", frozen=True, extra="ignore")

    brokers: str = Field(default="127.0.0.1:9092", description="Kafka's bootstrap servers.")
    security_protocol: str = Field(default="PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.")
    sasl_mechanism: str = Field(default="", description="SCRAM-SHA-512, for instance; empty for none.")
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ca_file: str = Field(default="", description="The certificate authority of the brokers, as a PEM file.")
    cluster: str = Field(default="", description="Kafka's cluster id; asked of the brokers when empty.")
    redis_url: SecretStr = Field(default=SecretStr("redis://127.0.0.1:6379/0"), description="Where the ledger is.")
    database_url: SecretStr = Field(default=SecretStr(""), description="Where the service's own tables are.")
    registry_url: str = Field(
        default="",
        description="The Confluent API of a schema registry, which is asked for schema ids that the service does not "
        "know; empty for none. Without a name or a password.",
    )
    registry_username: str = Field(default="", description="The name for the registry; empty for none.")
    registry_password: SecretStr = SecretStr("")
    registry_ids: str = Field(
        default="",
        description="The id map that `farandole contracts register` wrote. Its ids are on the wire, and not those of "
        "`ids.lock`. A registry demands one.",
    )
    http_host: str = Field(default="127.0.0.1", description="The address that the service's HTTP server binds to.")
    http_port: int = Field(default=8080, ge=0, le=65535)
    ledger_window: Duration = Field(default=timedelta(days=7), description="How long Redis remembers a handled event.")
    inbox_window: Duration = Field(
        default=timedelta(days=30), description="How long the inbox remembers a handled event."
    )
    most_in_flight: int = Field(
        default=200,
        gt=0,
        description="Deliveries claimed and not finished, at most. More suits handlers that wait long for others; "
        "the HTTP side of the same process waits behind them.",
    )
    rates: dict[str, float] = Field(
        default_factory=dict,
        description="Calls a second that the whole fleet may make to a dependency, at most: "
        '`{"payment-gateway": 20}`. What a handler declares is the default.',
    )
    instance: str = Field(
        default="",
        description="What tells this replica from the others of its service, also after a restart (a pod's name, for "
        "instance): started again under the same one after a crash, it takes its partitions back at once. "
        "Two processes must not share one. Empty: a crashed process's partitions wait for `FARANDOLE_SESSION`.",
    )
    session: Duration = Field(
        default=timedelta(seconds=6),
        description="How long a consumer group waits for a silent member before it gives its partitions to others; the "
        "brokers' `group.min.session.timeout.ms` is the least.",
    )
    drain: Duration = Field(
        default=timedelta(seconds=20), description="How long a stopping service may finish its work."
    )
    stuck: Duration = Field(
        default=timedelta(minutes=1),
        description="How long the event loop may stand still before the process leaves its groups and ends itself, so "
        "that others take its partitions; at least ten seconds more than the timeout of every plain function.",
    )
    outcomes: bool = Field(
        default=True,
        description="Whether workers tell `_farandole.outcomes` of deliveries that leave no record behind: handled "
        "without an answer, dropped, skipped. The console shows them; nothing depends on them.",
    )
    log_level: str = "INFO"
    version: str = Field(default="0.1.0", description="The version of the service, as dead letters tell it.")
