"""Selection: which records are meant, before any broker was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farandole.selection.bound import Bound, parse_bound


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The records of ``topics`` that meet every condition; an empty set of names, or None, is no condition.

    ``begin`` is inclusive, ``end`` exclusive. ``types`` are full names, ``flows`` correlation ids, ``ids`` event ids,
    as the engine reads them from a record. ``where`` is an expression over the decoded fields (`Where`). ``limit``
    counts in the order in which the logs would be merged by time: of several partitions the record that was appended
    earlier comes first, then the topic, the partition and the offset decide; within a partition the log's order stays.
    """

    topics: tuple[str, ...]
    begin: Bound | None = None
    end: Bound | None = None
    keys: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    flows: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    where: str = ""
    limit: int | None = None

    @property
    def is_everything(self) -> bool:
        """Whether each record between the bounds is meant."""
        return not (self.keys or self.types or self.flows or self.ids or self.where)

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it; `from_document` reads it again."""
        return {
            "topics": list(self.topics),
            "from": None if self.begin is None else self.begin.text,
            "to": None if self.end is None else self.end.text,
            "keys": sorted(self.keys),
            "types": sorted(self.types),
            "flows": sorted(self.flows),
            "ids": sorted(self.ids),
            "where": self.where,
            "limit": self.limit,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Selection:
        """Read what `document` returned. Raises KeyError, TypeError, ValueError or UsageError on anything else."""
        begin, end = document["from"], document["to"]
        return cls(
            topics=tuple(document["topics"]),
            begin=None if begin is None else parse_bound(begin),
            end=None if end is None else parse_bound(end),
            keys=frozenset(document["keys"]),
            types=frozenset(document["types"]),
            flows=frozenset(document["flows"]),
            ids=frozenset(document["ids"]),
            where=str(document["where"]),
            limit=None if document["limit"] is None else int(document["limit"]),
        )

    def __str__(self) -> str:
        """Say it in words, bounds in UTC."""
        parts = [", ".join(self.topics)]
        parts += [f"from {self.begin}"] if self.begin is not None else []
        parts += [f"to {self.end}"] if self.end is not None else []
        named = (("key", self.keys), ("type", self.types), ("flow", self.flows), ("id", self.ids))
        parts += [f"{name} {' or '.join(sorted(values))}" for name, values in named if values]
        parts += [f"where {self.where}"] if self.where else []
        parts += [f"at most {self.limit}"] if self.limit is not None else []
        return "; ".join(parts)
