"""Subscription: topics as a Kafka client is told them: by name, or, where they begin with ``^``, by pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable


def subscribed(topics: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a topic is among those that are named or described."""
    known = tuple(topics)
    names = frozenset(one for one in known if not one.startswith("^"))
    patterns = tuple(re.compile(one) for one in known if one.startswith("^"))
    return lambda topic: topic in names or any(one.search(topic) for one in patterns)
