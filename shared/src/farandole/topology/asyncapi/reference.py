"""Reference: a JSON pointer within a document."""

from __future__ import annotations

from collections.abc import Mapping


def ref(*steps: str) -> Mapping[str, str]:
    """Return a reference to what lies at these steps."""
    return {"$ref": "#/" + "/".join(one.replace("~", "~0").replace("/", "~1") for one in steps)}
