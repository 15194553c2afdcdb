"""Money as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

# ISO 4217: minor units of the currencies that have not two.
_DIGITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"), 0
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_SIGNS: Final[Mapping[str, str]] = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def plain(minor_units: int, currency: str) -> str:
    """Return an amount without its currency: 1,234.50."""
    digits = _DIGITS.get(currency, 2)
    return f"{Decimal(minor_units).scaleb(-digits):,.{digits}f}"


def full(minor_units: int, currency: str) -> str:
    """Return an amount with its currency: $1,234.50 where the sign is known to all, else CHF 1,234.50."""
    before = "-" if minor_units < 0 else ""
    amount = plain(abs(minor_units), currency)
    return f"{before}{_SIGNS[currency]}{amount}" if currency in _SIGNS else f"{before}{currency} {amount}"


def percent(basis_points: int) -> str:
    """Return hundredths of a per cent as a percentage without idle zeros: 15 %, 2.5 %; nothing for none."""
    return f"{(Decimal(basis_points) / 100).normalize():f} %" if basis_points else ""
