"""Whatever is selected, it is what somebody would find who read every record and looked at each.

Two topics of a real broker hold what topics may hold: no envelope, half of one, attributes twice, too long or not text;
no value, bytes that are no event, two versions of a schema; times that are equal, and times of writers that go to and
fro. A plain consumer reads them all, an Avro library of its own decodes them, and plain Python decides. The scan has to
find the same records, in the log's order of each partition, for every selection that hypothesis thinks of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import fastavro
import pytest
from farandole.delivery import Coordinates, Record
from farandole.engine.intake import Intake
from farandole.errors import UsageError
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.private_topics import PrivateTopics
from farandole.schema import EventSchema
from farandole.selection import Frozen, Moment, Offset, Reading, Request, Selection, Tally, first, freeze, resolve, scan
from farandole.testing.backend import Backend
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from odd_topics import MOMENT, OddTopics, fill

Fields = Mapping[str, Any]
T, O = "odd.Thing", "odd.Other"  # noqa: E741 - they are types
CONDITIONS: dict[str, Callable[[Fields], bool]] = {
    "cents > 500": lambda f: f["cents"] > 500,
    "!(cents > 500)": lambda f: f["cents"] <= 500,
    "cents == 0 || cents < -10": lambda f: f["cents"] in (0, -11),
    "cents / (cents - 500) > 1": lambda f: f["cents"] in (501, 1000),
    "cents * 4 > 5": lambda f: 5 < f["cents"] * 4 < 2**63,  # what overflows is not selected
    "cents > 1.5": lambda f: f["cents"] > 1.5,
    "note == null": lambda f: "thing" in f and f.get("note") is None,  # as it is where the version has none
    'note == "blue"': lambda f: f.get("note") == "blue",
    'note.contains("u")': lambda f: "u" in (f.get("note") or ""),
    "lines.exists(l, l.count > 5)": lambda f: any(one["count"] > 5 for one in _lines(f)),
    'lines.all(l, l.sku != "a")': lambda f: "lines" in f and all(one["sku"] != "a" for one in _lines(f)),
    "size(lines) == 0": lambda f: f.get("lines") == [],
    "lines[0].count > 3": lambda f: bool(f.get("lines")) and f["lines"][0]["count"] > 3,
    'home.city == "Köln"': lambda f: _city(f) == "Köln",
    'home != null && home.city.startsWith("U")': lambda f: _city(f) == "Ulm",
    'at >= timestamp("2026-01-01T00:00:00Z")': lambda f: "at" in f and f["at"].timestamp() * 1000 >= MOMENT,
    'at < timestamp("2026-01-01T02:00:00+02:00")': lambda f: "at" in f and f["at"].timestamp() * 1000 < MOMENT,
    'thing.matches("^t[0-9]+$")': lambda f: f.get("thing") in ("t1", "t22"),
    'other != ""': lambda f: f.get("other") == "o1",
    "cents > 0 && other != thing": lambda _: False,  # no type has both
}


def _lines(fields: Fields) -> list[dict[str, Any]]:
    return list(fields.get("lines", ()))


def _city(fields: Fields) -> str:
    home: dict[str, str] | None = fields.get("home")
    return "" if home is None else home["city"]


class World:
    """The topics, how they are read, and what a patient person would select of them."""

    def __init__(self, backend: Backend) -> None:
        self.odd: OddTopics = fill(backend.bootstrap, "odd")
        self.reader = LogReader(Connection(bootstrap=backend.bootstrap, client_id="selection"))
        self.reading = Reading(self.odd.catalogue, cluster="c")
        self._intake = Intake(
            service="",
            cluster="c",
            handlers={},
            schemas=self.odd.catalogue,
            topics=PrivateTopics(service="", tiers=0),
        )
        self.times = {_millis(one) for one in self.odd.records}
        self.ids = {self._intake.delivery(one).envelope.id for one in self.odd.records}

    def selected(self, selection: Selection) -> dict[tuple[str, int], list[int]]:
        """Return what the scan selects, by partition, as it comes."""
        frozen = freeze(self.reader, selection)
        assert Frozen.from_document(frozen.document()) == frozen
        found: dict[tuple[str, int], list[int]] = defaultdict(list)
        tally = Tally()
        for batch in scan(self.reader, frozen, selection, self.reading, tally=tally):
            for one in batch:
                found[one.partition.topic, one.partition.number].append(one.offset)
        assert tally.selected == sum(map(len, found.values()))
        return found

    def expected(self, selection: Selection) -> dict[tuple[str, int], list[int]]:
        """Return what a patient person selects."""
        found: dict[tuple[str, int], list[int]] = defaultdict(list)
        ranked: list[tuple[int, Coordinates]] = []
        latest: dict[tuple[str, int], int] = {}
        for record in self.odd.records:
            at = record.coordinates
            if at.topic not in selection.topics or not _is_after(record, selection):
                continue
            latest[at.topic, at.partition] = max(latest.get((at.topic, at.partition), 0), _millis(record))
            if self._is_meant(record, selection):
                ranked.append((latest[at.topic, at.partition], at))
        ranked.sort(key=lambda one: (one[0], one[1]))
        for _, at in sorted(ranked[: selection.limit], key=lambda one: one[1]):
            found[at.topic, at.partition].append(at.offset)
        return found

    def _is_meant(self, record: Record, selection: Selection) -> bool:
        envelope = self._intake.delivery(record).envelope
        return (
            _is_before(record, selection)
            and (not selection.keys or record.key in {key.encode() for key in selection.keys})
            and (not selection.types or envelope.type in selection.types)
            and (not selection.flows or envelope.correlation_id in selection.flows)
            and (not selection.ids or envelope.id in selection.ids)
            and (not selection.where or self._holds(record, selection))
        )

    def _holds(self, record: Record, selection: Selection) -> bool:
        decoded = self._decoded(record.value)
        if decoded is None:
            return False
        schema, fields = decoded
        asked = selection.types or {one.fullname for one in self.odd.catalogue if one.topic in selection.topics}
        return schema.fullname in asked and CONDITIONS[selection.where](fields)

    def _decoded(self, value: bytes | None) -> tuple[EventSchema, Fields] | None:
        if not value or value[0] != 0 or int.from_bytes(value[1:5], "big") not in self.odd.catalogue:
            return None
        schema = self.odd.catalogue.by_id(int.from_bytes(value[1:5], "big"))
        rest = BytesIO(value[5:])
        try:
            fields: Any = fastavro.schemaless_reader(
                rest, fastavro.parse_schema(dict(schema.avsc), named_schemas={}), None
            )
        except Exception:
            return None
        return None if rest.read() else (schema, fields)


def _millis(record: Record) -> int:
    return round(record.appended.timestamp() * 1000)


def _is_after(record: Record, selection: Selection) -> bool:
    """Tell whether a record lies where a log's part for this selection begins, or behind that."""
    return not isinstance(selection.begin, Offset) or record.coordinates.offset >= selection.begin.number


def _is_before(record: Record, selection: Selection) -> bool:
    begin, end = selection.begin, selection.end
    return not (
        (isinstance(begin, Moment) and record.appended < begin.at)
        or (isinstance(end, Moment) and record.appended >= end.at)
        or (isinstance(end, Offset) and record.coordinates.offset >= end.number)
    )


@pytest.fixture(scope="module")
def world(backend: Backend) -> World:
    return World(backend)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a request; topics and moments as numbers, as they are known only when the topics are."""
    some = st.lists(st.integers(0, 50), max_size=2)
    return {
        "topics": draw(st.sampled_from(((0,), (1,), (0, 1)))),
        "begin": draw(st.none() | st.tuples(st.sampled_from(("offset", "moment")), st.integers(0, 60))),
        "end": draw(st.none() | st.tuples(st.sampled_from(("offset", "moment")), st.integers(0, 60))),
        "keys": draw(st.just([]) | st.lists(st.sampled_from(("k1", "k2", "ü", "none")), min_size=1, max_size=2)),
        "types": draw(st.just([]) | st.lists(st.sampled_from(("Thing", "odd.Other")), min_size=1, max_size=2)),
        "flows": draw(st.just([]) | some.map(lambda numbers: [f"flow-{one % 7}" for one in numbers])),
        "ids": draw(st.just([]) | some),
        "where": draw(st.just("") | st.sampled_from(sorted(CONDITIONS))),
        "limit": draw(st.none() | st.integers(1, 60)),
    }


def resolved(world: World, drawn: Mapping[str, Any]) -> Selection | None:
    """Return the selection that was drawn; None where there is none such."""
    times, ids = sorted(world.times), sorted(world.ids)

    def bound(drawn_bound: tuple[str, int] | None) -> str | None:
        if drawn_bound is None:
            return None
        kind, number = drawn_bound
        if kind == "offset":
            return str(number)
        return _text(times[number % len(times)] + number % 3 - 1)

    try:
        return resolve(
            Request(
                topics=[world.odd.topics[number] for number in drawn["topics"]],
                begin=bound(drawn["begin"]),
                end=bound(drawn["end"]),
                keys=drawn["keys"],
                types=drawn["types"],
                flows=drawn["flows"],
                ids=[ids[number % len(ids)] for number in drawn["ids"]],
                where=drawn["where"],
                limit=drawn["limit"],
            ),
            world.odd.catalogue,
            topics=(),
        )
    except UsageError as refused:
        if refused.code in {"E524", "E526"}:
            return None
        raise


def _text(millis: int) -> str:
    return Moment.of_millis(millis).text


EVERYTHING: dict[str, Any] = {
    "topics": (0, 1),
    "begin": None,
    "end": None,
    "keys": [],
    "types": [],
    "flows": [],
    "ids": [],
    "where": "",
    "limit": None,
}


def singled_out() -> Iterator[dict[str, Any]]:
    """Yield a request for each way of selecting, alone, so that none rests on what hypothesis draws."""
    yield EVERYTHING
    for begin, end in ((("moment", 20), None), (None, ("moment", 25)), (("offset", 7), ("offset", 20))):
        yield EVERYTHING | {"begin": begin, "end": end}
    yield EVERYTHING | {"keys": ["k1", "ü"]}
    yield EVERYTHING | {"types": ["Thing"]}
    yield EVERYTHING | {"flows": ["flow-3"]}
    yield EVERYTHING | {"ids": list(range(0, 60, 3))}
    yield from (EVERYTHING | {"limit": limit} for limit in (1, 33, 1000))
    yield from (EVERYTHING | {"where": condition} for condition in CONDITIONS)


@pytest.mark.parametrize("drawn", list(singled_out()), ids=lambda drawn: str({k: v for k, v in drawn.items() if v}))
def test_each_way_of_selecting_finds_what_a_patient_person_finds(world: World, drawn: Mapping[str, Any]) -> None:
    selection = resolved(world, drawn)
    assert selection is not None
    assert world.selected(selection) == world.expected(selection)


@example(EVERYTHING | {"begin": ("moment", 3), "where": "cents > 500", "limit": 5})
@given(requests())
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_any_selection_finds_what_a_patient_person_finds(world: World, drawn: Mapping[str, Any]) -> None:
    selection = resolved(world, drawn)
    if selection is not None:
        assert world.selected(selection) == world.expected(selection)


@pytest.mark.parametrize(("most", "most_bytes"), [(3, 1 << 30), (1_000, 200)])
def test_a_limit_that_is_too_large_for_memory_finds_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int, most_bytes: int
) -> None:
    monkeypatch.setattr(first, "MOST_KEPT", most)
    monkeypatch.setattr(first, "MOST_KEPT_BYTES", most_bytes)
    selection = Selection(topics=world.odd.topics, keys=frozenset(("k1",)), limit=17)
    assert world.selected(selection) == world.expected(selection)


def test_a_limited_selection_comes_in_the_order_of_time(world: World) -> None:
    selection = Selection(topics=(world.odd.stamped,), limit=50)
    frozen = freeze(world.reader, selection)
    (batch,) = scan(world.reader, frozen, selection, world.reading)
    assert len(batch) == 50
    assert [one.millis for one in batch] == sorted(one.millis for one in batch)


def test_what_became_of_a_frozen_set_is_said(world: World) -> None:
    selection = Selection(topics=world.odd.topics)
    frozen = freeze(world.reader, selection)
    assert frozen.changes(world.reader) == []
    other = replace(frozen, topic_ids={world.odd.stamped: "another", "gone": "x"})
    assert other.changes(world.reader) == ["the topic gone is gone", f"the topic {world.odd.stamped} was made again"]


def test_the_conditions_tell_records_apart(world: World) -> None:
    everything = sum(map(len, world.expected(Selection(topics=world.odd.topics)).values()))
    counts = {
        condition: sum(map(len, world.expected(Selection(topics=world.odd.topics, where=condition)).values()))
        for condition in CONDITIONS
    }
    assert everything == len(world.odd.records)
    assert [one for one, count in counts.items() if not 0 < count < everything] == ["cents > 0 && other != thing"]
