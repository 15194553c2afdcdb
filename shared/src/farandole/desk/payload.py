"""Payload: the fields of an event as JSON says them, held against the schema that wrote them, and back into bytes."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, cast

import fastavro
import msgspec

from farandole.codec import MAGIC, Codec
from farandole.desk.fitting import Fitting, MisfitError
from farandole.errors import FarandoleError, OversizeError, UndecodableError, UsageError
from farandole.schema import EventSchema


def as_json(fields: Mapping[str, Any]) -> str:
    """Write decoded fields as JSON for people: moments in RFC 3339, bytes in base64."""
    return msgspec.json.format(msgspec.json.encode(fields), indent=2).decode() + "\n"


def encoded(fields: Any, schema: EventSchema, *, wire_id: int, codec: Codec) -> bytes:
    """Return the value that these fields, as JSON holds them, are when written with ``schema``.

    Every field has to be there and of its type, and none that the schema does not know; one with a default may be left
    out. What is written is read again before it is believed. Raises UsageError with the field that does not fit.
    """
    try:
        datum = Fitting(schema.avsc).record(schema.avsc, fields, "", home="")
        out = BytesIO()
        fastavro.schemaless_writer(out, _plain(schema.avsc), datum)
        value = MAGIC + wire_id.to_bytes(4, "big") + out.getvalue()
        codec.decode_any(value)
    except MisfitError as misfit:
        raise _refused(schema, str(misfit)) from misfit
    except (OversizeError, UndecodableError) as error:
        raise _refused(schema, error.why or error.what) from error
    except FarandoleError:
        raise
    except Exception as error:
        raise _refused(schema, f"{type(error).__name__}: {error}") from error
    return value


def changed(fields: Mapping[str, Any], assignments: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields after ``field=value`` assignments; ``a.b`` names a field of a field, the value is JSON or text.

    Raises UsageError where there is no such field.
    """
    result = cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(fields)))
    for one in assignments:
        path, equals, text = one.partition("=")
        if not equals:
            raise UsageError(f"{one} assigns nothing", do="write it as --set field=value", code="E553")
        *parents, last = path.split(".")
        where: Any = result
        for name in parents:
            where = where.get(name) if isinstance(where, dict) else None
        if not isinstance(where, dict) or last not in where:
            known = ", ".join(sorted(result))
            raise UsageError(
                f"there is no field {path}",
                why=f"the event has {known}; items of lists cannot be named",
                do="name one of them, or leave --set away and edit the whole",
                code="E553",
            )
        inside = cast("dict[str, Any]", where)
        inside[last] = _told(text, inside[last])
    return result


def _told(text: str, before: Any) -> Any:
    """Read a value as JSON; where the field holds text it is taken as it is, quotes or not."""
    try:
        value = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return text
    return text if isinstance(before, str) and not isinstance(value, str) else value


def _plain(node: Any) -> Any:
    """Return a schema without logical types: what is written has been made plain already."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    schema = cast("dict[str, Any]", node)
    return {name: part if name == "default" else _plain(part) for name, part in schema.items() if name != "logicalType"}


def _refused(schema: EventSchema, why: str) -> UsageError:
    return UsageError(
        f"this is no {schema.name} of version {schema.version}",
        why=why,
        do=f"mend that field; the schema is {schema.fullname} in schemas/{schema.topic}",
        code="E554",
    )
