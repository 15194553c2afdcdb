"""Connection: how the brokers are reached; the librdkafka properties that every client of a service shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

ANSWERS_WITHIN: Final = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """Where the brokers are, and how to prove who we are. The password is never shown."""

    bootstrap: str
    client_id: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: str = field(default="", repr=False)
    ca_file: str = ""

    def properties(self) -> dict[str, Any]:
        """Return librdkafka's properties."""
        chosen: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "client.id": self.client_id,
            "security.protocol": self.security_protocol,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 1_000,
            # A broker that vanished without a word is given up after this; the client's own default is a minute.
            "socket.timeout.ms": ANSWERS_WITHIN // timedelta(milliseconds=1),
            "socket.keepalive.enable": True,
            "allow.auto.create.topics": False,
            "log_level": 2,
        }
        if self.sasl_mechanism:
            chosen |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.sasl_username,
                "sasl.password": self.sasl_password,
            }
        if self.ca_file:
            chosen["ssl.ca.location"] = self.ca_file
        return chosen
