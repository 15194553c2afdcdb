"""Seal: texts that this console has signed, so that it knows them again when a browser brings them back."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

MOST: Final = 2_000
_SEPARATOR: Final = "."


class Seal:
    """Signs with HMAC-SHA256. A purpose goes into each signature: what was sealed for one is void for another."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sealed(self, purpose: str, text: str) -> str:
        """Return the text with its signature behind it."""
        return f"{text}{_SEPARATOR}{self.mark(purpose, text)}"

    def opened(self, purpose: str, sealed: str) -> str | None:
        """Return the text of what was sealed for this purpose; None where it was not."""
        text, _, mark = sealed.rpartition(_SEPARATOR)
        return text if len(sealed) <= MOST and self.holds(purpose, text, mark) else None

    def mark(self, purpose: str, text: str) -> str:
        """Return the signature alone."""
        message = f"{purpose}\x00{text}".encode("utf-8", "surrogatepass")
        return urlsafe_b64encode(hmac.digest(self._key, message, sha256)).rstrip(b"=").decode()

    def holds(self, purpose: str, text: str, mark: str) -> bool:
        """Tell whether this is the signature of that text. Takes as long whether it is or not."""
        return hmac.compare_digest(self.mark(purpose, text).encode(), mark.encode("utf-8", "surrogatepass"))
