"""Leaves: the fields of a payload that a form may change one by one, each by the name that ``--set`` takes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

SET = "set:"
"""What the name of each field of the form begins with."""


def leaves(fields: Mapping[str, Any], parents: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield ``a.b`` and its value as ``--set`` takes it. Lists are left out: ``--file`` changes those."""
    plain = cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(fields)))
    for name, value in plain.items():
        path = (*parents, name)
        if isinstance(value, dict):
            yield from leaves(cast("dict[str, Any]", value), path)
        elif not isinstance(value, list):
            yield ".".join(path), value if isinstance(value, str) else msgspec.json.encode(value).decode()


def assignments(shown: Mapping[str, Any], form: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a form changes of what was shown: a field that is left as it was, masked or not, stays what it is."""
    before = dict(leaves(shown))
    told = {name.removeprefix(SET): value for name, value in form.items() if name.startswith(SET)}
    return tuple(f"{name}={value}" for name, value in told.items() if before.get(name) != value)
