"""Masking: what an event shows of the people in it: nothing, unless an operator asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from farandole.codec import Codec
from farandole.errors import ContractError
from farandole.personal import EACH, PersonalFields, Tree
from farandole.schema import EventSchema

MASK: Final = "***"
"""What stands where a personal value is. An absent one (null) stays null."""


class Masking:
    """Shows events. With ``pii`` everything is shown; whoever sets that has checked that an operator asks.

    Safe to share between threads.
    """

    def __init__(self, personal: PersonalFields, *, pii: bool = False) -> None:
        self._personal = personal
        self._pii = pii

    @property
    def shows_everything(self) -> bool:
        """Whether nothing is masked."""
        return self._pii

    def fields(self, schema: EventSchema, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the decoded fields of an event, the personal ones masked."""
        return fields if self._pii else masked(fields, self._personal.tree(schema))

    def payload(self, value: bytes | None, codec: Codec) -> Any:
        """Return what a record's value holds, to be shown: its fields, None for null, or what cannot be decoded.

        Bytes that are no event, or one whose schema nobody knows, may hold anything: of them only the length is shown,
        unless personal values are.
        """
        if value is None:
            return None
        try:
            schema, fields = codec.decode_any(value)
        except ContractError as unreadable:
            return {"undecodable": unreadable.why or unreadable.what, **self._raw(value)}
        return self.fields(schema, fields)

    def _raw(self, value: bytes) -> dict[str, Any]:
        return {"bytes": len(value), "hex": value.hex()} if self._pii else {"bytes": len(value)}


def masked(fields: Mapping[str, Any], tree: Tree) -> Mapping[str, Any]:
    """Return the fields with a mask in the place of each personal value."""
    return _record(fields, tree, keep=True) if tree else fields


def without(fields: Mapping[str, Any], tree: Tree) -> Mapping[str, Any]:
    """Return the fields without the personal ones: what may be asked about when nobody may know them."""
    return _record(fields, tree, keep=False) if tree else fields


def _record(fields: Mapping[str, Any], tree: Tree, *, keep: bool) -> Mapping[str, Any]:
    each = tree.get(EACH)
    shown: dict[str, Any] = {}
    for name, value in fields.items():
        inside = tree.get(name, each)
        if inside is not True:
            shown[name] = value if inside is None else _value(value, inside, keep=keep)
        elif keep:
            shown[name] = None if value is None else MASK
    return shown


def _value(value: Any, inside: Tree, *, keep: bool) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_value(one, inside, keep=keep) for one in cast("tuple[Any, ...]", value))
    return _record(cast("dict[str, Any]", value), inside, keep=keep) if isinstance(value, dict) else value
