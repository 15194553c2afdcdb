"""What an operator asks for may be about a person, and the audit topic keeps it for ever: it is masked there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from farandole.schema import Catalogue, EventSchema
from farandole.selection import Request, Selection, resolve
from farandole.selection.veil import veiled
from farandole_events import CATALOGUE


def asked(**words: Any) -> Selection:
    return resolve(Request(types=["OrderPacked"], pii=True, **words), CATALOGUE, topics=())


@pytest.mark.parametrize(
    "text",
    [
        'ship_to.name == "Ada Lovelace"',
        'parcels > 0 && ship_to["str" + "eet"] == "Ada Lovelace"',
        'size(ship_to) == 6 || carrier == "Ada Lovelace"',
    ],
)
def test_the_value_of_a_personal_field_is_not_kept_and_the_field_is(text: str) -> None:
    kept = veiled(asked(where=text), CATALOGUE)
    assert kept.where.startswith("*** (about ")
    assert "ship_to" in kept.where
    assert "Ada" not in str(kept.document())


def test_what_is_not_personal_is_kept_as_it_is() -> None:
    selection = asked(where='carrier == "Speedy" && parcels > 1', keys=["7"], ids=["e"], flows=["f"])
    assert veiled(selection, CATALOGUE) is selection


def test_a_key_is_masked_where_its_field_is_personal() -> None:
    schema = CATALOGUE["OrderPacked"]
    fields = [{**one, "pii": one["name"] == schema.key} for one in schema.avsc["fields"]]
    tagged: EventSchema = replace(schema, avsc={**schema.avsc, "fields": fields})
    assert veiled(asked(keys=["ada@example.org"]), Catalogue([tagged])).keys == {"***"}
