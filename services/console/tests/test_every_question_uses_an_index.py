"""Every question that people may ask uses an index, whatever they filter by.

A million events lie in the index. What a question costs is decided by the plan that the database makes for it. SQLite
makes it without knowing the values, so the plans can be had from empty tables: none reads a table from end to end, a
page in the middle begins in the middle, and the narrowest filter chooses where to look. `benchmarks/console_pages.py`
measures the same questions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import combinations

import pytest
from farandole.metrics import Metrics
from farandole_console.event_search import EventMark, EventSearch
from farandole_console.forgetting import forget
from farandole_console.index import Index
from farandole_console.live.declared import Declarations
from farandole_console.mark import Mark
from farandole_console.promises.promises import Promises
from farandole_console.tables import metadata
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

SOME_TIME = datetime(2026, 11, 23, tzinfo=UTC)
NARROWEST_FIRST = ("id", "flow", "key", "type", "topic", "service")
OF = {"id": "event_by_id", "flow": "event_by_flow", "key": "event_by_subject"}
OF |= {"type": "event_by_type", "topic": "event_by_topic", "service": "event_by_source"}
FILTERS = [chosen for many in (1, 2, 3) for chosen in combinations(NARROWEST_FIRST, many)]


class Asked:
    """A store that keeps what it is asked, and knows nothing."""

    def __init__(self) -> None:
        self.statements = []

    @asynccontextmanager
    async def reading(self):
        yield self

    async def execute(self, statement):
        self.statements.append(statement)
        return self

    def for_update(self, statement):
        return statement

    def mappings(self):
        return self

    def first(self) -> None:
        return None

    def __iter__(self) -> Iterator[object]:
        return iter(())


def index_of(asked) -> Index:
    return Index(asked, Promises(asked, Declarations(), Metrics("console")))


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def planner():
    dialect = sqlite.dialect()
    database = sqlite3.connect(":memory:")
    for table in metadata.sorted_tables:
        database.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            database.execute(str(CreateIndex(index).compile(dialect=dialect)))

    def plan(statement) -> str:
        compiled = statement.compile(dialect=dialect)
        # A limit of 1: a bound NULL would be none.
        rows = database.execute(f"EXPLAIN QUERY PLAN {compiled}", [1] * len(compiled.positiontup))
        return "; ".join(row[3] for row in rows)

    yield plan
    database.close()


def only(asked: Asked, planner) -> str:
    (statement,) = asked.statements
    return planner(statement)


def search_for(filters: tuple[str, ...]) -> EventSearch:
    return EventSearch(**dict.fromkeys(filters, "x"))


@pytest.mark.parametrize("filters", FILTERS, ids="+".join)
async def test_the_narrowest_filter_chooses_where_the_latest_events_are_looked_for(asked, planner, filters) -> None:
    mark = EventMark(appended=SOME_TIME, seq=7)
    await index_of(asked).latest_events(search_for(filters), before=mark, limit=50)
    plan = only(asked, planner)
    assert f"SEARCH event USING INDEX {OF[filters[0]]}" in plan


@pytest.mark.parametrize("filters", FILTERS, ids="+".join)
async def test_the_narrowest_filter_chooses_where_events_in_order_are_looked_for(asked, planner, filters) -> None:
    await index_of(asked).events(after=7, limit=50, search=search_for(filters))
    assert f"SEARCH event USING INDEX {OF[filters[0]]}" in only(asked, planner)


@pytest.mark.parametrize("column", ["type", "topic", "service"])
async def test_a_page_of_what_is_common_is_read_in_its_order_and_not_sorted(asked, planner, column) -> None:
    mark = EventMark(appended=SOME_TIME, seq=7)
    await index_of(asked).latest_events(EventSearch(**{column: "x"}), before=mark, limit=50)
    plan = only(asked, planner)
    assert "appended<" in plan
    assert "TEMP B-TREE" not in plan


async def test_a_page_from_the_middle_begins_there(asked, planner) -> None:
    index = index_of(asked)
    await index.flows(limit=50, before=Mark(began=SOME_TIME, flow_id="x"), key="")
    await index.latest_events(EventSearch(), before=EventMark(appended=SOME_TIME, seq=7), limit=50)
    await index.events(after=7, limit=50)
    await index.happenings(after=7, limit=50, event_id="")
    for statement in asked.statements:
        plan = planner(statement)
        assert plan.startswith("SEARCH"), plan
        assert "TEMP B-TREE" not in plan


async def test_no_question_reads_a_table_from_end_to_end(asked, planner) -> None:
    index = index_of(asked)
    await index.flow("x")
    await index.flows(limit=50, before=None, key="x")
    await index.happenings_of("x")
    await index.happenings(after=0, limit=50, event_id="x")
    await index.notes_of("x")
    promises = Promises(asked, Declarations(), Metrics("console"))
    await promises.are_due(SOME_TIME)
    await promises.stuck(limit=50)
    await forget(asked, before=SOME_TIME, most=50)
    assert asked.statements
    for statement in asked.statements:
        assert "SCAN" not in planner(statement)


async def test_the_first_page_is_read_off_the_end_of_an_index(asked, planner) -> None:
    index = index_of(asked)
    await index.flows(limit=50, before=None, key="")
    await index.latest_events(EventSearch(), before=None, limit=50)
    assert [planner(one) for one in asked.statements] == [
        "SCAN flow USING INDEX flow_by_beginning",
        "SCAN event USING INDEX event_by_time",
    ]
