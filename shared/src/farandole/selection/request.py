"""Request: what a person asks for, in words; resolved against the catalogue it is a selection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from farandole.errors import ContractError, UsageError
from farandole.schema import Catalogue, EventSchema
from farandole.selection.bound import Bound, Moment, Offset, parse_bound
from farandole.selection.nearest import nearest
from farandole.selection.selection import Selection
from farandole.selection.where import Where

MOST_LIMIT: Final = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """The words of a selection, each as it was typed. ``pii`` says that personal fields may be asked about."""

    topics: Sequence[str] = ()
    begin: str | None = None
    end: str | None = None
    keys: Sequence[str] = ()
    types: Sequence[str] = ()
    flows: Sequence[str] = ()
    ids: Sequence[str] = ()
    where: str = ""
    limit: int | None = None
    pii: bool = False


def resolve(request: Request, catalogue: Catalogue, *, topics: Sequence[str]) -> Selection:
    """Return the selection that is meant. Asks nobody; whether the topics exist is for `freeze` to find out.

    Without a topic in the request those of the types are meant, without a type ``topics``. Raises UsageError, naming
    what there is, for a type or field that the catalogue does not know, a bound that cannot be read, a wrong limit.
    """
    types = frozenset(_type(name, catalogue).fullname for name in request.types)
    begin, end = _bound(request.begin), _bound(request.end)
    _check_order(begin, end)
    if request.limit is not None and not 1 <= request.limit <= MOST_LIMIT:
        raise UsageError(
            f"a limit of {request.limit} is none", why=f"it goes from 1 to {MOST_LIMIT:,}", do="narrow it", code="E527"
        )
    carried = sorted({schema.topic for schema in catalogue if schema.fullname in types})
    selection = Selection(
        topics=tuple(dict.fromkeys(request.topics or carried or topics)),
        begin=begin,
        end=end,
        keys=frozenset(request.keys),
        types=types,
        flows=frozenset(request.flows),
        ids=frozenset(request.ids),
        where=request.where.strip(),
        limit=request.limit,
    )
    where_of(selection, catalogue, pii=request.pii)
    return selection


def where_of(selection: Selection, catalogue: Catalogue, *, pii: bool) -> Where | None:
    """Compile the expression of a selection, where it has one. Raises UsageError where it cannot hold of any event."""
    if not selection.where:
        return None
    return Where(selection.where, schemas_of(selection, catalogue), pii=pii)


def schemas_of(selection: Selection, catalogue: Catalogue) -> Iterable[EventSchema]:
    """Return every version of what may lie there: of the types, else what the topics carry; private ones carry all."""
    if selection.types:
        return [one for one in catalogue.versions if one.fullname in selection.types]
    known = {one.topic for one in catalogue}
    if known.issuperset(selection.topics):
        return [one for one in catalogue.versions if one.topic in selection.topics]
    return catalogue.versions


def _type(name: str, catalogue: Catalogue) -> EventSchema:
    try:
        return catalogue[name]
    except ContractError as unknown:
        raise UsageError(
            f"there is no event type {name}",
            why="no installed catalogue knows it, or two do, in different namespaces",
            do=nearest(name.rpartition(".")[2], [one.name for one in catalogue]),
            code="E522",
        ) from unknown


def _bound(text: str | None) -> Bound | None:
    return None if text is None else parse_bound(text)


def _check_order(begin: Bound | None, end: Bound | None) -> None:
    match begin, end:
        case (Moment(at=first), Moment(at=last)) if first >= last:
            pass
        case (Offset(number=first), Offset(number=last)) if first >= last:
            pass
        case _:
            return
    raise UsageError(
        "nothing lies between --from and --to",
        why=f"{begin} is not before {end}; --from is inclusive, --to is not",
        do="change them round, or move one",
        code="E526",
    )
