"""Where a replay stands follows from what the audit topic has of it, read by anybody, at any terminal, in its order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from farandole.cli.replay_tables import show_story
from farandole.errors import UsageError
from farandole.operations import Asked, AuditRecord, Began, Checkpoint, Ended, Operation, Resumed
from farandole.replay.counts import Counts
from farandole.replay.kept_plan import MOST_PIECES, PIECE, Planned, records_of
from farandole.replay.mode import Mode
from farandole.replay.plan import Plan
from farandole.replay.receipt import kept_receipt
from farandole.replay.story import State, Story, story_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = "20260301T120000-0a0b0c0d"
PLAN = Plan(
    id=ID,
    service="orders",
    mode=Mode.AGAIN,
    effects=False,
    cascade=False,
    with_not_provable=False,
    rate=200,
    selection={},
    cluster="one",
    topics={},
    spans=(),
    digest="d",
    made=AT,
    by="me@here",
    counts=Counts(matched=3, fates={"run": 3}, types={}, first=None, last=None, runs=()),
    packed="x" * (PIECE * 2 + 1),
)
PLANNED = records_of(PLAN)
OPERATION = Operation(id=ID, kind="replay", service="orders", who="me@here", why="the bug is fixed", at=AT)
BEGAN = Began(operation=ID, at=AT, begun=OPERATION, marks={0: 7})
RESUMED = Resumed(operation=ID, at=AT, who="you@there")
FINISHED = Ended(operation=ID, at=AT, result="done", details={"outcome": {"done": 3}})


def asked(wish: str) -> Asked:
    return Asked(operation=ID, at=AT, wish=wish, who="you@there")


def told(*records: AuditRecord) -> Story:
    story = story_of([*PLANNED, *records])
    assert story is not None
    return story


def test_a_plan_is_kept_in_pieces_and_read_back_whole() -> None:
    assert len(PLANNED) == 4
    assert told().plan == PLAN


def test_a_plan_of_which_a_piece_is_missing_is_none() -> None:
    assert story_of([PLANNED[0], *PLANNED[2:]]) is None


def test_without_its_pieces_a_plan_is_good_for_a_list() -> None:
    story = story_of([PLANNED[-1], BEGAN])
    assert story is not None
    assert (story.plan.id, story.plan.packed, story.state) == (ID, "", State.RUNNING)


def test_a_plan_that_cannot_be_kept_is_refused_with_a_way_out() -> None:
    scattered = PLAN.__class__(
        **{**{name: getattr(PLAN, name) for name in PLAN.__struct_fields__}, "packed": "x" * (PIECE * MOST_PIECES + 1)}
    )
    with pytest.raises(UsageError, match="lie too far apart"):
        records_of(scattered)


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([], State.PLANNED),
        ([BEGAN], State.RUNNING),
        ([BEGAN, asked("pause")], State.PAUSED),
        ([BEGAN, asked("pause"), asked("resume")], State.RUNNING),
        ([BEGAN, asked("pause"), RESUMED], State.RUNNING),
        ([BEGAN, asked("cancel")], State.RUNNING),
        ([asked("cancel")], State.CANCELLED),
        ([BEGAN, Ended(operation=ID, at=AT, result="cancelled")], State.CANCELLED),
        ([BEGAN, Ended(operation=ID, at=AT, result="failed")], State.FAILED),
        ([BEGAN, Ended(operation=ID, at=AT, result="failed"), RESUMED], State.RUNNING),
        ([BEGAN, FINISHED], State.FINISHED),
        ([BEGAN, FINISHED, asked("pause")], State.FINISHED),
        ([BEGAN, FINISHED, RESUMED], State.FINISHED),
    ],
)
def test_where_it_stands(records: list[AuditRecord], state: State) -> None:
    assert told(*records).state is state


def test_nothing_takes_a_cancel_back() -> None:
    assert told(BEGAN, asked("cancel"), asked("resume"), RESUMED).wish == "cancel"


def test_a_process_that_takes_it_up_undoes_a_pause() -> None:
    assert told(BEGAN, asked("pause")).wish == "pause"
    assert told(BEGAN, asked("pause"), RESUMED).wish == ""


def test_who_began_it_is_who_did_it() -> None:
    story = told(BEGAN, Checkpoint(operation=ID, at=AT, marks={}, counts={"sent": 2}), RESUMED, FINISHED)
    assert (story.who, story.why, story.sent, story.runs) == ("me@here", "the bug is fixed", 2, 2)
    assert story.receipt == {"outcome": {"done": 3}}


@pytest.mark.parametrize("change", [{"id": "another"}, {"rate": 0.0}, {"rate": 1e300}])
def test_a_plan_that_no_planner_wrote_is_none(change: dict[str, Any]) -> None:
    forged = Planned(operation=ID, at=AT, plan=msgspec.structs.replace(PLAN, packed="", **change), pieces=0, digest="d")
    assert story_of([forged]) is None


def test_an_end_that_no_run_wrote_is_no_receipt() -> None:
    for details in ({"progress": {"sent": "many"}, "outcome": {"done": "all"}}, {"outcome": 3}):
        story = told(BEGAN, Ended(operation=ID, at=AT, result="done", details=details))
        assert (story.sent, kept_receipt(story)) == (0, None)
        show_story(story, is_running=False)
