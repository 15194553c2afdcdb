"""Selecting: the parameters by which every command says which records it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Group, Parameter

from farandole.schema import Catalogue
from farandole.selection import Request, Selection, resolve

GROUP: Final = Group("Which records", sort_key=10)


@Parameter(name="*", group=GROUP)
@dataclass(frozen=True, kw_only=True, slots=True)
class Selecting:
    """What a command line says of the records that it means. Flags may be repeated: one of the values has to hold."""

    topic: Annotated[tuple[str, ...], Parameter(negative="", help="On this topic; may be repeated.")] = ()
    begin: Annotated[
        str | None,
        Parameter(name="--from", help="From this time (2026-11-23T14:00:00Z; the zone is said) or offset on."),
    ] = None
    end: Annotated[str | None, Parameter(name="--to", help="Before this time or offset.")] = None
    key: Annotated[tuple[str, ...], Parameter(negative="", help="With this key; may be repeated.")] = ()
    type: Annotated[tuple[str, ...], Parameter(negative="", help="Of this event type; may be repeated.")] = ()
    flow: Annotated[tuple[str, ...], Parameter(negative="", help="Of this flow; may be repeated.")] = ()
    id: Annotated[tuple[str, ...], Parameter(negative="", help="With this event id; may be repeated.")] = ()
    where: Annotated[
        str, Parameter(help="Of whose fields this holds, such as 'total_cents > 10000 && currency == \"USD\"' (CEL).")
    ] = ""
    limit: Annotated[int | None, Parameter(help="At most so many, the first by time.")] = None

    def request(self, *, pii: bool = False) -> Request:
        """Return it as a request; ``pii`` says that an operator asks about personal fields."""
        return Request(
            topics=self.topic,
            begin=self.begin,
            end=self.end,
            keys=self.key,
            types=self.type,
            flows=self.flow,
            ids=self.id,
            where=self.where,
            limit=self.limit,
            pii=pii,
        )

    def selection(self, catalogue: Catalogue, *, topics: Sequence[str], pii: bool = False) -> Selection:
        """Return what is selected; ``topics`` where neither a topic nor a type is named. Raises UsageError."""
        return resolve(self.request(pii=pii), catalogue, topics=topics)
