"""Redaction: takes personal values out of what an error said: whoever raised it may have named them."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from farandole import errors
from farandole.masking import MASK
from farandole.personal import EACH, Tree

WITHHELD: Final = (
    "(withheld: the payload cannot be read here, so nobody knows what in this is personal; --pii shows it)"
)

_SHORTEST_PART: Final = 3
"""Shorter words of a value are in too many sentences to mean a person."""

_OURS: Final = frozenset(
    name
    for name, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, errors.ContractError) and one is not errors.FarandoleError
)
"""What the library itself raises where a payload cannot be read: these quote schemas and sizes, and no value."""


def redacted(text: str, values: Sequence[str]) -> str:
    """Return the text with a mask in the place of each value.

    One that begins or ends with a letter or a digit is meant where a word begins or ends: ``Al`` is not in ``also``.
    """
    for one in values:
        before = r"(?<!\w)" if one[:1].isalnum() else ""
        after = r"(?!\w)" if one[-1:].isalnum() else ""
        text = re.sub(before + re.escape(one) + after, MASK, text)
    return text


def redacted_unless_unread(text: str, values: Sequence[str] | None, *, error_class: str) -> str:
    """Return the text without the values; where those are None, as nobody could read them, only what we said."""
    if values is None:
        return text if not text or error_class in _OURS else WITHHELD
    return redacted(text, values)


def personal_values(fields: Mapping[str, Any], tree: Tree) -> Sequence[str]:
    """Return the personal values of an event as text, the longest first, so that none hides a part of another.

    Also as programs quote them, and the words that they are made of: an error may name a person by one of them.
    """
    whole = {str(one) for one in _record(fields, tree)} - {""}
    quoted = {written for one in whole for written in (repr(one)[1:-1], json.dumps(one)[1:-1])}
    words = {word for one in whole for word in re.findall(r"\w+", one) if len(word) >= _SHORTEST_PART}
    return sorted(whole | quoted | words, key=lambda one: (-len(one), one))


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
