"""Credentials: how Faust proves to the brokers who it is, by the settings that every service has."""

from __future__ import annotations

import ssl
from typing import Any

import faust
from farandole.settings import Settings


def credentials(settings: Settings) -> Any:
    """Return Faust's credentials; None for a plain connection without any."""
    protocol = settings.security_protocol.upper()
    context = ssl.create_default_context(cafile=settings.ca_file or None) if protocol.endswith("SSL") else None
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            mechanism=settings.sasl_mechanism,
            username=settings.sasl_username,
            password=settings.sasl_password.get_secret_value(),
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if context else None
