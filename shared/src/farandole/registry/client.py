"""Registry: a schema registry behind HTTP, by the API that Confluent gave it and others took over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2

from farandole.errors import ContractError, RegistryUnavailableError, UsageError
from farandole.registry.answer import OK, REFUSED, Answer, unavailable

ANSWER_WITHIN: Final = timedelta(seconds=3)
MOST_BYTES: Final = 512 * 1024
"""Of an answer. The longest schema that is read is shorter."""
LEVEL: Final = "FULL_TRANSITIVE"
MOST_ID: Final = 2**31 - 1

_HEADERS: Final = {
    "accept": "application/vnd.schemaregistry.v1+json, application/json",
    # What is packed could be unpacked into far more than the limit.
    "accept-encoding": "identity",
    "content-type": "application/vnd.schemaregistry.v1+json",
}


class Registry:
    """A registry. For one event loop; every call ends within ``answer_within``, or a little more.

    Every method raises RegistryUnavailableError where there is no answer, or none of a registry.
    """

    def __init__(self, client: httpx2.AsyncClient, *, answer_within: timedelta = ANSWER_WITHIN) -> None:
        self._client = client
        self._answer_within = answer_within

    async def schema(self, schema_id: int) -> str | None:
        """Return the text of the schema with this id, or None where the registry knows of none.

        Raises ContractError where what it has is no Avro schema of its own, or too long to be read.
        """
        answer = await self._ask("GET", f"schemas/ids/{schema_id}")
        if answer.is_missing:
            return None
        if answer.status == OK and answer.cut:
            raise _unreadable(schema_id, f"it has more than {MOST_BYTES} bytes")
        document = answer.document
        if answer.status != OK or not isinstance(document.get("schema"), str):
            raise unavailable(answer)
        if document.get("schemaType", "AVRO") != "AVRO":
            raise _unreadable(schema_id, f"it is of the kind {str(document['schemaType'])[:50]}, not AVRO")
        if document.get("references"):
            raise _unreadable(schema_id, "it refers to other schemas of the registry")
        return str(document["schema"])

    async def find(self, subject: str, schema: Mapping[str, Any]) -> int | None:
        """Return the id of a schema that is registered under the subject, or None."""
        answer = await self._ask("POST", f"subjects/{quote(subject, safe='')}", _schema(schema))
        return None if answer.is_missing else _id_in(answer)

    async def register(self, subject: str, schema: Mapping[str, Any]) -> int:
        """Register a schema under the subject, and return its id, the same however often.

        Raises ContractError where the registry refuses it, because it breaks compatibility or is none to it.
        """
        answer = await self._ask("POST", f"subjects/{quote(subject, safe='')}/versions", _schema(schema))
        if answer.status in REFUSED:
            raise ContractError(
                f"the registry refuses {subject}",
                why=answer.message or f"it answers {answer.status}",
                do=f"compare it with the versions of {subject} that the registry has; it keeps {LEVEL}",
                code="E261",
            )
        return _id_in(answer)

    async def demand_compatibility(self, subject: str) -> None:
        """Make the registry refuse versions of the subject that are not compatible with all others, both ways."""
        answer = await self._ask("PUT", f"config/{quote(subject, safe='')}", {"compatibility": LEVEL})
        if answer.status != OK:
            raise unavailable(answer)

    async def _ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> Answer:
        content = None if document is None else json.dumps(document, ensure_ascii=False).encode()
        try:
            async with (
                asyncio.timeout(self._answer_within.total_seconds()),
                self._client.stream(method, path, content=content, headers=_HEADERS) as response,
            ):
                return await _read(response)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise RegistryUnavailableError(
                "the schema registry does not answer",
                why=f"{type(error).__name__}: {error}".removesuffix(": "),
                do="see that it runs, and that FARANDOLE_REGISTRY_URL leads to it",
            ) from error


def check_url(url: str) -> None:
    """Raise UsageError where the URL is none of HTTP, or holds a name or a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            "the URL of the registry is none", why="it has to be http:// or https:// and a host", code="E502"
        )
    if parts.username or parts.password:
        raise UsageError(
            "the URL of the registry holds a name or a password",
            why="URLs end in logs",
            do="set FARANDOLE_REGISTRY_USERNAME and FARANDOLE_REGISTRY_PASSWORD instead",
            code="E502",
        )


@asynccontextmanager
async def connect(
    url: str, *, username: str = "", password: str = "", answer_within: timedelta = ANSWER_WITHIN
) -> AsyncGenerator[Registry]:
    """Give a client for the registry at ``url``, and close it in the end. Nothing is asked yet. Raises UsageError."""
    check_url(url)
    # Questions are rare, so no connection is kept: one that died meanwhile would cost an answer.
    client = httpx2.AsyncClient(
        base_url=url.rstrip("/") + "/",
        auth=(username, password) if username else None,
        timeout=answer_within.total_seconds(),
        limits=httpx2.Limits(max_keepalive_connections=0),
        follow_redirects=False,
    )
    async with client:
        yield Registry(client, answer_within=answer_within)


async def _read(response: httpx2.Response) -> Answer:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MOST_BYTES:
            return Answer(status=response.status_code, body=b"", cut=True)
    return Answer(status=response.status_code, body=bytes(body))


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemaType": "AVRO", "schema": json.dumps(schema, ensure_ascii=False)}


def _id_in(answer: Answer) -> int:
    found = answer.document.get("id")
    if answer.status != OK or not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= MOST_ID:
        raise unavailable(answer)
    return found


def _unreadable(schema_id: int, why: str) -> ContractError:
    return ContractError(f"schema id {schema_id} of the registry cannot be read", why=why, code="E211")
