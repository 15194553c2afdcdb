"""Record: one record of Kafka, decoded, as a reader from outside sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """An event as it lies in a topic. ``type`` is its short name, ``fullname`` that of its schema.

    ``time`` is when it happened, RFC 3339, as its sender wrote it;
    ``appended`` is the broker's append time in seconds since the epoch. ``causes`` are all the events that it says it
    answers. ``fields`` is empty where the value cannot be read.
    """

    id: str
    type: str
    fullname: str
    topic: str
    source: str
    time: str
    flow: str
    causes: tuple[str, ...]
    appended: float
    fields: Mapping[str, Any]

    @property
    def order_id(self) -> str | None:
        """The order that it is about, if it is about one."""
        return self.fields.get("order_id")

    def __str__(self) -> str:
        about = self.order_id or self.fields.get("product_id") or "?"
        return f"{self.type} {self.id} of {about}"
