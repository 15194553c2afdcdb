"""Whoever looks at a dead letter without the right to personal data does not learn them from what the error said.

The values are those of the payload's tagged fields: whole, as a program quotes them, and word by word. Where a payload
cannot be read nobody knows them, so what a handler said is withheld as a whole; what the library itself said is shown.
"""

from __future__ import annotations

import json

import pytest
from farandole.redaction import WITHHELD, personal_values, redacted, redacted_unless_unread

TREE = {"name": True, "city": True, "floor": True, "note": True}


def shown(text: str, **fields: object) -> str:
    return redacted(text, personal_values(fields, TREE))


@pytest.mark.parametrize(
    "said",
    [
        "no customer Ada Lovelace",
        "customer Lovelace, Ada is unknown",
        "customer 'Ada' is unknown",
        "LookupError: ('Ada', 'Lovelace')",
    ],
)
def test_neither_the_value_nor_its_words_are_told(said: str):
    assert not {"Ada", "Lovelace"} & set(shown(said, name="Ada Lovelace").replace(",", " ").replace("'", " ").split())


def test_a_value_is_found_as_programs_quote_it():
    name = 'Zoë "Z" O\'Hara\n'
    for said in (name, repr(name), json.dumps(name), f"{[name]}"):
        left = shown(f"unknown: {said}", name=name)
        assert "O'Hara" not in left
        assert "Zo" not in left


def test_a_short_value_is_masked_where_it_is_a_word_and_only_there():
    assert shown("Al is also in the hall, floor 3 of 33", name="Al", floor=3).count("also") == 1
    assert "Al " not in shown("Al is also here", name="Al")
    assert shown("floor 3 of 33", floor=3).endswith(" of 33")


def test_without_the_payload_only_what_the_library_said_is_shown():
    ours = "schema id 17 is unknown"
    assert redacted_unless_unread(ours, None, error_class="UnknownSchemaError") == ours
    assert redacted_unless_unread("no customer Ada", None, error_class="LookupError") == WITHHELD
    assert redacted_unless_unread("no customer Ada", None, error_class="FarandoleError") == WITHHELD
    assert not redacted_unless_unread("", None, error_class="LookupError")
