"""Text as a paper can bear it: names and addresses come from outside."""

from __future__ import annotations

import unicodedata
from typing import Final

from farandole_events.types import Address

LONGEST: Final = 300


def address_lines(address: Address) -> tuple[str, ...]:
    """Return an address as it is written on a letter, without empty lines."""
    town = " ".join(filter(None, (address.postal_code, address.city, address.region)))
    return tuple(filter(None, (clean(each) for each in (address.name, address.street, town, address.country))))


def clean(text: str) -> str:
    """Return a text that fits a line of a paper: composed, without control characters, not endless."""
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(each if each.isprintable() else " " for each in composed)
    tidy = " ".join(visible.split())
    return tidy if len(tidy) <= LONGEST else f"{tidy[: LONGEST - 1]}…"
