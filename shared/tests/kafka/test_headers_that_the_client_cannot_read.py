"""A header name that is no UTF-8 is beyond the client: it leaves an error, and a list with a hole.

The record then counts as one without headers. Here a message that fails as the client's does stands for it: no client
at hand can write such a name.
"""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import Message
from farandole.kafka.reading import headers_of


class Unreadable:
    """A message whose headers fail."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def headers(self) -> Any:
        raise self._error

    def topic(self) -> str:
        return "t"

    def offset(self) -> int:
        return 1


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), SystemError("a hole")])
def test_they_are_taken_for_none(error: Exception) -> None:
    assert headers_of(cast("Message", Unreadable(error))) == ()
