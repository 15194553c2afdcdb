"""Veil: a selection as it may be kept for ever: which fields were asked about, and nothing of what stands in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from farandole.masking import MASK
from farandole.personal import PersonalFields
from farandole.schema import Catalogue, EventSchema
from farandole.selection.expression import read
from farandole.selection.request import schemas_of
from farandole.selection.selection import Selection


def veiled(selection: Selection, catalogue: Catalogue) -> Selection:
    """Return the selection without what may be personal in it; the very same where nothing is.

    The values that were asked for are masked: an expression that names a field which is personal, or holds what is,
    keeps the names of its fields; keys are masked where the field is personal that they are. What is left selects
    nothing any more: whoever has to find the records again keeps where they lie. Ids and flows stay.
    """
    schemas = tuple(schemas_of(selection, catalogue))
    personal = PersonalFields(catalogue.versions)
    fields = read(selection.where).fields if selection.where else ()
    if _any_personal(fields, schemas, personal):
        selection = replace(selection, where=f"{MASK} (about {', '.join(fields)})")
    if selection.keys and any(one.key in personal.tree(one) for one in schemas):
        selection = replace(selection, keys=frozenset((MASK,)))
    return selection


def _any_personal(fields: Iterable[str], schemas: Iterable[EventSchema], personal: PersonalFields) -> bool:
    named = frozenset(fields)
    return any(not named.isdisjoint(personal.tree(one)) for one in schemas)
