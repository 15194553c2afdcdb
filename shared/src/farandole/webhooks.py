"""Webhooks: signed and verified by the scheme of Standard Webhooks 1.0, so that any sender or receiver fits.

Three headers travel with the body: ``webhook-id`` (the sender's id, the same each time it is sent),
``webhook-timestamp`` (seconds since 1970) and ``webhook-signature``: ``v1,`` and the base64 of the HMAC-SHA256 of
``id.timestamp.body``, several of them separated by spaces while a secret is being rotated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from farandole.errors import ContractError, StartError

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
TOLERANCE: Final = timedelta(minutes=5)

_SCHEME: Final = "v1"
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the prefix that marks a secret, not a secret
_FEWEST_SECRET_BYTES: Final = 16
_MOST_SIGNATURES: Final = 16
# The full stop separates id from timestamp in what is signed: an id that held one could be cut in two ways.
_AN_ID: Final = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,256}")
_A_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


class Refusal(StrEnum):
    """Why a webhook is not believed."""

    MISSING_HEADER = "missing header"
    MALFORMED_ID = "malformed id"
    MALFORMED_TIMESTAMP = "malformed timestamp"
    TOO_OLD = "too old"
    TOO_NEW = "too new"
    WRONG_SIGNATURE = "wrong signature"


class WebhookRefusedError(ContractError):
    """A webhook is not what it claims to be. ``reason`` is the case; answer 401 and do nothing else."""

    code = "E270"

    def __init__(self, reason: Refusal, *, why: str, do: str) -> None:
        super().__init__(f"a webhook was refused: {reason}", why=why, do=do)
        self.reason = reason


def secrets_from(text: str) -> tuple[bytes, ...]:
    """Read the secrets of a setting: one, or several separated by spaces or commas, the first of which signs.

    ``whsec_`` and base64, as Standard Webhooks writes them, or the secret as it is.

    Raises:
        StartError: there is no secret, one is shorter than 16 bytes, or one is not the base64 that it claims to be.
            The sentence never holds the secret.
    """
    secrets = tuple(_secret(part) for part in text.replace(",", " ").split())
    if not secrets:
        raise StartError(
            "there is no webhook secret",
            why="a webhook that nobody signed could come from anybody",
            do="set FARANDOLE_WEBHOOK_SECRET, on both sides, to whsec_ and the base64 of 24 random bytes",
            code="E125",
        )
    return secrets


def sign(body: bytes, *, secret: bytes, id: str, at: datetime) -> dict[str, str]:  # noqa: A002 - the scheme's word
    """Return the three headers that make ``body`` a signed webhook, sent ``at`` this moment.

    Args:
        body: the bytes exactly as they will be sent.
        secret: the key shared with the receiver.
        id: the sender's id: the same each time this webhook is sent, so that the receiver knows it again.
        at: the moment of this sending (not of the first one), with a time zone.

    Raises:
        ValueError: the id is empty, longer than 256 characters, not visible ASCII, or holds a full stop.
    """
    if not _AN_ID.fullmatch(id):
        raise ValueError(f"{id!r} cannot be a webhook id: 1 to 256 visible ASCII characters without a full stop")
    timestamp = str(int(at.timestamp()))
    return {ID: id, TIMESTAMP: timestamp, SIGNATURE: f"{_SCHEME},{_signature(secret, id, timestamp, body)}"}


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Sequence[bytes],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """Return the sender's id of a webhook that is signed with one of ``secrets`` and fresh.

    Fresh is not new: within ``tolerance``, and whenever the sender sends again, the same id arrives again; make the
    event's id from it (``identity.webhook_id``) and the ledger drops the second.

    Args:
        headers: the request's headers; names in any case.
        body: the bytes exactly as they came, before any parsing.
        secrets: the keys that are valid now: two while one is being rotated out.
        now: the present moment, with a time zone.
        tolerance: how far the sender's clock and the network may be off, in either direction.

    Raises:
        WebhookRefusedError: a header is missing or malformed, the timestamp is too far from ``now``, or no signature
            fits any secret; ``reason`` says which.
    """
    given = {name.lower(): value for name, value in headers.items()}
    sender_id = _header(given, ID)
    timestamp = _header(given, TIMESTAMP)
    signatures = _header(given, SIGNATURE)
    if not _AN_ID.fullmatch(sender_id):
        raise WebhookRefusedError(Refusal.MALFORMED_ID, why=f"{ID} is not 1 to 256 visible characters", do=_ASK_SENDER)
    _must_be_fresh(timestamp, now, tolerance)
    if not _any_fits(signatures, [_signature(secret, sender_id, timestamp, body) for secret in secrets]):
        raise WebhookRefusedError(
            Refusal.WRONG_SIGNATURE,
            why="no signature fits any of the secrets, or the body was changed on its way",
            do="compare FARANDOLE_WEBHOOK_SECRET on both sides",
        )
    return sender_id


_ASK_SENDER: Final = "the sender must follow Standard Webhooks 1.0"


def _secret(part: str) -> bytes:
    try:
        is_base64 = part.startswith(_SECRET_PREFIX)
        secret = base64.b64decode(part.removeprefix(_SECRET_PREFIX), validate=True) if is_base64 else part.encode()
    except binascii.Error as error:
        raise StartError(
            "a webhook secret cannot be read",
            why="what follows whsec_ is not base64",
            do="correct FARANDOLE_WEBHOOK_SECRET",
            code="E125",
        ) from error
    if len(secret) < _FEWEST_SECRET_BYTES:
        raise StartError(
            "a webhook secret is too short",
            why=f"it has {len(secret)} bytes; fewer than {_FEWEST_SECRET_BYTES} can be guessed",
            do="set FARANDOLE_WEBHOOK_SECRET to whsec_ and the base64 of 24 random bytes",
            code="E125",
        )
    return secret


def _signature(secret: bytes, sender_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((sender_id.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def _header(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "")
    if not value:
        raise WebhookRefusedError(Refusal.MISSING_HEADER, why=f"there is no {name}", do=_ASK_SENDER)
    return value


def _must_be_fresh(timestamp: str, now: datetime, tolerance: timedelta) -> None:
    if not _A_TIMESTAMP.fullmatch(timestamp):
        raise WebhookRefusedError(
            Refusal.MALFORMED_TIMESTAMP, why=f"{TIMESTAMP} is not whole seconds since 1970", do=_ASK_SENDER
        )
    age = timedelta(seconds=int(now.astimezone(UTC).timestamp()) - int(timestamp))
    if age > tolerance:
        raise WebhookRefusedError(Refusal.TOO_OLD, why=f"it was signed {age} ago", do="compare the clocks")
    if -age > tolerance:
        raise WebhookRefusedError(Refusal.TOO_NEW, why=f"it is signed {-age} ahead of now", do="compare the clocks")


def _any_fits(signatures: str, expected: Sequence[str]) -> bool:
    # Every pair is compared, in constant time each: neither the position nor the closeness of a guess shows.
    fits = False
    for part in signatures.split(" ", _MOST_SIGNATURES)[:_MOST_SIGNATURES]:
        scheme, _, signature = part.partition(",")
        for candidate in expected:
            fits |= scheme == _SCHEME and hmac.compare_digest(signature.encode(), candidate.encode())
    return fits
