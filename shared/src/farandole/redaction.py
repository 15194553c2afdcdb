"""Redaction: takes personal values out of what an error said: whoever raised it may have named them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from farandole.masking import MASK
from farandole.personal import EACH, Tree

SHORTEST: Final = 3
"""Shorter values are in too many words to mean a person."""


def redacted(text: str, values: Sequence[str]) -> str:
    """Return the text with a mask in the place of each value."""
    for one in values:
        text = text.replace(one, MASK)
    return text


def personal_values(fields: Mapping[str, Any], tree: Tree) -> Sequence[str]:
    """Return the personal values of an event as text, the longest first, so that none hides a part of another."""
    found = {str(one) for one in _record(fields, tree) if len(str(one)) >= SHORTEST}
    return sorted(found, key=lambda one: (-len(one), one))


def _record(fields: Mapping[str, Any], tree: Tree) -> Iterator[Any]:
    each = tree.get(EACH)
    for name, value in fields.items():
        inside = tree.get(name, each)
        if inside is True:
            yield from _leaves(value)
        elif inside is not None:
            yield from _below(value, inside)


def _below(value: Any, inside: Tree) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for one in cast("Sequence[Any]", value):
            yield from _below(one, inside)
    elif isinstance(value, dict):
        yield from _record(cast("dict[str, Any]", value), inside)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for one in cast("Sequence[Any]", value):
            yield from _leaves(one)
    elif isinstance(value, dict):
        for one in cast("dict[str, Any]", value).values():
            yield from _leaves(one)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield value
