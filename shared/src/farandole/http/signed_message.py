"""SignedMessage: a webhook's JSON, believed and read, or refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from starlette.requests import Request

from farandole.clock import Clock
from farandole.http.body import read_body
from farandole.http.refusal import RequestRefusedError
from farandole.webhooks import WebhookRefusedError, verify

T = TypeVar("T")

MOST_BYTES: Final = 64 * 1024
COMES_WITHIN: Final = timedelta(seconds=15)

Words = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$")]
"""A text of a message that goes into a database. PostgreSQL neither keeps nor compares one with a NUL in it."""
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern="^[^\\x00]*$")]
"""An id of a message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedMessage(Generic[T]):
    """What was said, and ``sender_id``: the sender's own id of it, the same each time it is sent."""

    sender_id: str
    said: T


async def read_signed(
    request: Request,
    kind: type[T],
    *,
    secrets: Sequence[bytes],
    clock: Clock,
    most: int = MOST_BYTES,
    within: timedelta = COMES_WITHIN,
) -> SignedMessage[T]:
    """Read a message that is signed by the scheme of `farandole.webhooks`. Nothing is parsed before it is believed.

    Args:
        request: a request whose body nobody has read yet.
        kind: what the JSON has to be; a `msgspec.Struct` that bounds its fields (see `Id` and `Words`).
        secrets: the keys that are valid now.
        clock: tells whether the signature is fresh.
        most: how many bytes the body may have.
        within: how long it may take to come.

    Raises:
        RequestRefusedError: with 413, 408 (see `read_body`), 401 where nobody who knows a secret signed it just now,
            or 400 where it is not what ``kind`` says; the reason names the field.
    """
    body = await read_body(request, most=most, within=within)
    try:
        sender_id = verify(request.headers, body, secrets=secrets, now=clock.now())
        said = msgspec.json.decode(body, type=kind)
    except WebhookRefusedError as refused:
        raise RequestRefusedError(refused.reason, status=401, error="not_believed") from refused
    # A thousand brackets within brackets are no message either, and whoever holds a secret can still be mistaken.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestRefusedError(str(error)) from error
    return SignedMessage(sender_id=sender_id, said=said)
