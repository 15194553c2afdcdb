"""Windows: how long handled events are remembered, held against how long a delivery may take to come back."""

from __future__ import annotations

from datetime import timedelta

from farandole.errors import StartError
from farandole.service import Service
from farandole.settings import Settings


def check_windows(service: Service, settings: Settings) -> None:
    """Raise StartError where a window is shorter than the longest retry chain: what is forgotten is handled again."""
    longest = max((one.policy.backoff.longest_chain for one in service.handlers), default=timedelta(0))
    windows = {"FARANDOLE_LEDGER_WINDOW": settings.ledger_window}
    if service.tables is not None:
        windows["FARANDOLE_INBOX_WINDOW"] = settings.inbox_window
    for name, window in windows.items():
        if window <= longest:
            raise StartError(
                f"{name} is {window}, which is not longer than the longest retry chain",
                why=f"a delivery of {service.name} may come back after {longest}, and would be handled a second time",
                do=f"set {name} to more than {longest}, or shorten the retries",
                code="E119",
            )
