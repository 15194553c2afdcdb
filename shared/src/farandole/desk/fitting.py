"""Fitting: makes of JSON, as people write it, what Avro writes, by one schema; says which field does not fit."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
_BITS: Final = {"int": 32, "long": 64}


class MisfitError(ValueError):
    """A value is not of its field's type; says which field."""


class Fitting:
    """Makes of JSON what Avro writes, by one schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._named: dict[str, Mapping[str, Any]] = {}
        self._note(schema, "")

    def _note(self, node: Any, home: str) -> None:
        if isinstance(node, list):
            for branch in node:
                self._note(branch, home)
        elif isinstance(node, dict):
            schema = cast("dict[str, Any]", node)
            space = str(schema.get("namespace", home))
            if "name" in schema and schema.get("type") in {"record", "enum", "fixed", "error"}:
                name = str(schema["name"])
                self._named[name if "." in name else f"{space}.{name}"] = self._named[name] = schema
            for field in schema.get("fields", ()):
                self._note(field["type"], space)
            for part in ("type", "items", "values"):
                if not isinstance(schema.get(part), str):
                    self._note(schema.get(part), space)

    def record(self, schema: Mapping[str, Any], value: Any, path: str, *, home: str) -> dict[str, Any]:
        """Return a record's fields."""
        space = str(schema.get("namespace", home))
        if not isinstance(value, dict):
            raise MisfitError(f"{path or 'the whole'} has to be an object with fields")
        given = cast("dict[str, Any]", value)
        known = {field["name"]: field for field in schema["fields"]}
        strange = sorted(set(given) - set(known))
        if strange:
            raise MisfitError(f"there is no field {_inside(path, strange[0])}; there are {', '.join(known)}")
        result: dict[str, Any] = {}
        for name, field in known.items():
            if name in given:
                result[name] = self.value(field["type"], given[name], _inside(path, name), home=space)
            elif "default" in field:
                result[name] = field["default"]
            else:
                raise MisfitError(f"the field {_inside(path, name)} is missing")
        return result

    def value(self, node: Any, value: Any, path: str, *, home: str) -> Any:  # noqa: C901, PLR0911 - one a kind of type
        """Return a value of the type ``node``."""
        if isinstance(node, list):
            return self._union(node, value, path, home=home)
        if isinstance(node, str):
            named = self._named.get(node) or self._named.get(f"{home}.{node}")
            return _primitive(node, value, path) if named is None else self.value(named, value, path, home=home)
        schema = cast("dict[str, Any]", node)
        match schema["type"]:
            case "record" | "error":
                return self.record(schema, value, path, home=home)
            case "array":
                items = _demand(value, list, path, "a list")
                return [self.value(schema["items"], one, f"{path}[{n}]", home=home) for n, one in enumerate(items)]
            case "map":
                pairs = _demand(value, dict, path, "an object")
                return {k: self.value(schema["values"], v, _inside(path, k), home=home) for k, v in pairs.items()}
            case "enum":
                if value not in schema["symbols"]:
                    raise MisfitError(f"{path} has to be one of {', '.join(schema['symbols'])}")
                return value
            case "fixed":
                raw = _bytes(value, path)
                if len(raw) != schema["size"]:
                    raise MisfitError(f"{path} has to be {schema['size']} bytes in base64")
                return raw
            case "long" if schema.get("logicalType") == "timestamp-millis":
                return _moment(value, path)
            case inner:
                return self.value(inner, value, path, home=home)

    def _union(self, branches: list[Any], value: Any, path: str, *, home: str) -> Any:
        misfits: list[str] = []
        for branch in branches:
            try:
                return self.value(branch, value, path, home=home)
            except MisfitError as misfit:
                misfits.append(str(misfit))
        raise MisfitError(misfits[-1])


def _primitive(kind: str, value: Any, path: str) -> Any:
    match kind:
        case "null":
            if value is not None:
                raise MisfitError(f"{path} has to be null")
            return None
        case "boolean":
            return _demand(value, bool, path, "true or false")
        case "int" | "long":
            bits = _BITS[kind]
            if isinstance(value, bool) or not isinstance(value, int) or not -(1 << bits - 1) <= value < 1 << bits - 1:
                raise MisfitError(f"{path} has to be a whole number of {bits} bits")
            return value
        case "float" | "double":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise MisfitError(f"{path} has to be a number")
            return float(value)
        case "bytes":
            return _bytes(value, path)
        case _:
            return _demand(value, str, path, "text")


def _moment(value: Any, path: str) -> int:
    """Return milliseconds since 1970: of a moment with its zone."""
    try:
        moment = datetime.fromisoformat(_demand(value, str, path, "a moment"))
    except ValueError as error:
        raise MisfitError(f"{path} has to be a moment in RFC 3339, as 2026-01-05T12:00:00Z") from error
    if moment.tzinfo is None:
        raise MisfitError(f"{path} is a moment without its zone: end it with Z or +01:00")
    try:
        return (moment.astimezone(UTC) - EPOCH) // MILLISECOND
    except OverflowError as error:
        raise MisfitError(f"{path} lies before all time in UTC") from error


def _bytes(value: Any, path: str) -> bytes:
    try:
        return base64.b64decode(_demand(value, str, path, "bytes in base64"), validate=True)
    except binascii.Error as error:
        raise MisfitError(f"{path} has to be bytes in base64") from error


def _demand(value: Any, kind: type, path: str, told: str) -> Any:
    if not isinstance(value, kind):
        raise MisfitError(f"{path} has to be {told}")
    return value


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
