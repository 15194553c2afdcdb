"""A redrive sends what was planned: what is written later, and what a limit left out, is no part of it.

So that it can go on after a kill, what was planned is kept in the audit topic, in few words, and read back from there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from farandole.desk.board import Board
from farandole.desk.case import Case
from farandole.desk.choice import Choice
from farandole.desk.letter import Letter
from farandole.desk.redrive import Redrive, ends_of, interrupted, nothing_to_send, resumed
from farandole.desk.redrive_plan import RedrivePlan, bare, limited, planned
from farandole.engine.ports import Partition
from farandole.errors import UsageError
from farandole.kafka.log_reader import Span
from farandole.ledger import State
from farandole.operations import Began, Ended, Noted, Operation
from farandole.selection import Offset, Selection
from farandole_events import CATALOGUE
from lettered import BEGAN, SUBJECT, case, entry, letter

DEAD = Partition(topic="s.dlq", number=0)


def of(number: int, attempt: int = 2) -> Letter:
    """Return the letter of another event, at another place."""
    return replace(letter(attempt, number), subject=replace(SUBJECT, key=bytes([number]) * 16, event_id=f"e{number}"))


def events(plan: RedrivePlan) -> list[str]:
    return [one.letter.subject.event_id for one in plan.sends]


def test_each_is_sent_as_one_attempt_more_than_its_letter_has():
    plan = planned("s", [case(of(1, 4)), case(of(0), entry=entry(State.DEAD, 2))])
    assert [(one.letter.subject.event_id, one.attempt) for one in plan.sends] == [("e0", 3), ("e1", 5)]


def test_forced_it_is_one_more_than_the_letter_and_the_ledger_have():
    assert planned("s", [case(of(1, 4), entry=entry(State.DEAD, 2))], force=True).sends[0].attempt == 5


def test_what_is_not_sent_is_counted_by_its_reason():
    plan = planned("s", [case(of(0), entry=entry(State.DONE, 3)), case(of(1), handled=3), case(of(2))])
    assert (events(plan), plan.held) == (["e2"], {"handled since, at attempt 3": 2})
    assert "2: handled since" in nothing_to_send(replace(plan, sends=())).why


def redrive_of(*letters: Letter) -> Redrive:
    return Redrive(what=Choice(group="f"), ends={DEAD: 17}, letters=frozenset(bare(one.coordinates) for one in letters))


def test_what_goes_on_is_what_was_confirmed_and_neither_edited_nor_reopened_since():
    edited = case(of(1), replace(of(5), subject=of(1).subject, edited_from="s.dlq|0|1"))
    reopened, later = case(of(2)), case(of(9))
    plan = redrive_of(of(0), of(1)).left("s", [case(of(0)), edited, reopened, later])
    assert events(plan) == ["e0"]


def test_a_limit_takes_the_first():
    cases: list[Case] = [case(of(number)) for number in range(6)]
    board = Board(service="s", cases=cases, spans={DEAD: Span(start=0, end=6)})
    what = Choice(group="f", limit=2)
    plan = limited(planned("s", cases), what.limit)
    assert events(plan) == ["e0", "e1"]
    assert ends_of(board, plan, what) == {DEAD: 2}
    assert ends_of(board, plan, replace(what, limit=None)) == {DEAD: 6}


def test_a_redrive_is_read_back_as_it_was_kept():
    selection = Selection(topics=("s.dlq",), begin=Offset(number=3), keys=frozenset("k"), where="total > 3")
    what = Choice(names=("a", "b"), group="f", selection=selection, origins=frozenset(("orders",)), limit=3)
    letters = frozenset(bare(of(number).coordinates) for number in (2, 3, 4, 7, 9, 10))
    kept = Redrive(what=what, ends={DEAD: 17}, letters=letters, canary=2, rate=3.5, force=True)
    assert kept.document()["letters"] == {"s.dlq|0": "2-4,7,9-10"}
    assert Redrive.from_document(kept.document()) == kept


def test_what_may_not_be_kept_in_words_is_kept_by_its_letters():
    board = Board(service="s", cases=[], spans={DEAD: Span(start=0, end=6)})
    plan = planned("s", [case(of(2)), case(of(4))])
    selection = Selection(topics=("s.dlq",), where='ship_to.name == "Ada"')
    told = {"catalogue": CATALOGUE, "canary": 0, "rate": 1.0, "force": False}
    redrive = Redrive.of(Choice(selection=selection), plan, board, **told)
    assert redrive.letters == {bare(one.letter.coordinates) for one in plan.sends}
    assert "Ada" not in str(redrive.document())
    assert Redrive.from_document(redrive.document()) == redrive


@pytest.mark.parametrize(
    "broken", [{}, {"what": 1}, {"what": {}, "ends": [], "canary": "x"}, {"letters": {"s.dlq|0": "0-99999999"}}]
)
def test_a_kept_redrive_that_cannot_be_read_is_a_sentence(broken: dict[str, Any]):
    with pytest.raises(UsageError) as refused:
        Redrive.from_document(broken)
    assert refused.value.code == "E558"


def test_only_what_began_and_did_not_end_can_go_on():
    begun = Operation(id="o1", kind="redrive", service="s", who="w", why="y", at=BEGAN)
    began = Noted(offset=0, record=Began(operation="o1", at=BEGAN, begun=begun))
    other = Noted(offset=1, record=Began(operation="o2", at=BEGAN, begun=replace(begun, id="o2", kind="discard")))
    ended = Noted(offset=2, record=Ended(operation="o1", at=BEGAN, result="done"))
    assert interrupted([began, other], "s") == [began.record]
    assert not interrupted([began, other], "t")
    assert not interrupted([began, other, ended], "s")
    assert resumed([began], "o1") is began.record
    for records in ([], [other], [began, ended]):
        with pytest.raises(UsageError):
            resumed(records, "o1")
