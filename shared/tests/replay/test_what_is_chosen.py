"""A plan names the records that it sends by their offsets: exactly those, however they lie, and in little room."""

from __future__ import annotations

import zlib
from base64 import b85encode

import pytest
from farandole.delivery import Coordinates
from farandole.engine.ports import Partition
from farandole.errors import OperationError
from farandole.replay.chosen import Choosing, Chosen
from hypothesis import given
from hypothesis import strategies as st

PLACES = st.dictionaries(
    st.tuples(st.sampled_from(["orders", "payments"]), st.integers(0, 3)),
    st.sets(st.integers(0, 400), min_size=1),
    max_size=6,
)


@given(PLACES)
def test_what_is_read_back_is_what_was_chosen_and_nothing_else(places: dict[tuple[str, int], set[int]]) -> None:
    chosen = Chosen.unpacked(_chosen(places).packed())
    assert len(chosen) == sum(map(len, places.values()))
    for topic, number in [*places, ("orders", 9)]:
        found = {offset for offset in range(402) if Coordinates(topic=topic, partition=number, offset=offset) in chosen}
        assert found == places.get((topic, number), set())


@given(PLACES)
def test_what_has_to_be_read_reaches_from_the_first_to_the_last(places: dict[tuple[str, int], set[int]]) -> None:
    spans = _chosen(places).spans
    assert {(one.topic, one.number): (span.start, span.end) for one, span in spans.items()} == {
        place: (min(offsets), max(offsets) + 1) for place, offsets in places.items()
    }


def test_a_million_records_in_a_row_take_a_line() -> None:
    choosing = Choosing()
    for offset in range(1_000_000):
        choosing.add(Coordinates(topic="orders", partition=0, offset=offset))
    assert len(choosing.chosen().packed()) < 80
    assert choosing.chosen().spans[Partition(topic="orders", number=0)].end == 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        b85encode(zlib.compress(bytes(100_000_000))).decode(),
        b85encode(zlib.compress(b"\x93")).decode(),
        b85encode(zlib.compress(b"\x91\x93\xa1t\x00\x91\x01")).decode(),
        b85encode(zlib.compress(b"much")[:-1]).decode(),
        "not packed",
        "",
    ],
)
def test_what_somebody_else_wrote_is_refused_whatever_it_unpacks_to(text: str) -> None:
    with pytest.raises(OperationError, match="audit topic"):
        Chosen.unpacked(text)


def _chosen(places: dict[tuple[str, int], set[int]]) -> Chosen:
    choosing = Choosing()
    for (topic, number), offsets in places.items():
        for offset in sorted(offsets):
            choosing.add(Coordinates(topic=topic, partition=number, offset=offset))
    return choosing.chosen()
