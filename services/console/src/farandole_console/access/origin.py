"""Origin: whether a request that changes something was sent by a page of this console, as the browser says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

UNCHANGING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def not_ours(headers: Mapping[str, str], *, public: str = "") -> str:
    """Return why a request did not come from a page of this console; empty where it did.

    Args:
        headers: of the request.
        public: the address at which people open the console (``https://console.example``), where it differs from what
            the Host header says.
    """
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    if site and site != "same-origin":
        return f"the browser says that it was sent by another site ({site[:20]})"
    if not origin:
        return "" if site else "no browser said which page sent it"
    ours = (public.rstrip("/"),) if public else _addresses(headers.get("host", ""))
    return "" if origin in ours else "the browser says that a page of another address sent it"


def host_of(header: str) -> str:
    """Return the host that a Host header names, without its port; empty where it names none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this machine's own. No name but ``localhost`` is: others can be re-bound."""
    return host in _LOOPBACK


def _addresses(host: str) -> tuple[str, ...]:
    return (f"http://{host}", f"https://{host}") if host else ()
