"""The ledger's verdicts, row by row as the design's table has them; the conformance tests cover every combination."""

from __future__ import annotations

import pytest
from farandole.delivery import Coordinates
from farandole.ledger import Claim, Entry, Settle, State, Verdict, event_key
from farandole.ledger.rules import apply, conflicting, decide

KEY = event_key("orders", "order-1-placed")
HERE = Coordinates(topic="orders", partition=0, offset=41)
COPY = Coordinates(topic="orders", partition=0, offset=97)
RETRY_RECORD = Coordinates(topic="payments.retry.1", partition=0, offset=3)


def entry(state: State, attempt: int = 0, coordinates: Coordinates = HERE) -> Entry:
    return Entry(attempt=attempt, coordinates=coordinates, state=state, digest=7)


def claim(attempt: int = 0, coordinates: Coordinates = HERE, digest: int = 7) -> Claim:
    return Claim(key=KEY, attempt=attempt, coordinates=coordinates, digest=digest)


@pytest.mark.parametrize(
    ("held", "asking", "verdict"),
    [
        pytest.param(None, claim(), Verdict.RUN, id="an event never seen runs"),
        pytest.param(entry(State.CLAIMED), claim(1), Verdict.RUN, id="a higher attempt takes a claimed event over"),
        pytest.param(entry(State.RETRY, 1), claim(2), Verdict.RUN, id="a higher attempt takes an announced retry over"),
        pytest.param(entry(State.DEAD), claim(1), Verdict.RUN, id="a redrive takes a dead event over"),
        pytest.param(entry(State.CLAIMED), claim(), Verdict.RUN, id="the claimed delivery runs again after a crash"),
        pytest.param(entry(State.CLAIMED), claim(0, COPY), Verdict.DROP, id="a copy of a claimed event is dropped"),
        pytest.param(
            entry(State.RETRY, 1), claim(), Verdict.REPUBLISH_RETRY, id="the failed delivery announces its retry again"
        ),
        pytest.param(entry(State.RETRY, 1), claim(1, RETRY_RECORD), Verdict.RUN, id="the announced retry record runs"),
        pytest.param(entry(State.RETRY, 1), claim(0, COPY), Verdict.DROP, id="a copy of a retrying event is dropped"),
        pytest.param(
            entry(State.CLAIMED, 1, RETRY_RECORD), claim(), Verdict.DROP, id="the failed delivery is dropped once taken"
        ),
        pytest.param(entry(State.DEAD), claim(), Verdict.REPUBLISH_DEAD, id="the dead delivery is published again"),
        pytest.param(entry(State.DEAD), claim(0, COPY), Verdict.DROP, id="a copy of a dead event is dropped"),
        pytest.param(entry(State.DONE), claim(), Verdict.DROP, id="the done delivery is dropped"),
        pytest.param(entry(State.DONE), claim(0, COPY), Verdict.DROP, id="a copy of a done event is dropped"),
        pytest.param(entry(State.DONE), claim(9), Verdict.DROP, id="done is final at every attempt"),
    ],
)
def test_the_verdict(held: Entry | None, asking: Claim, verdict: Verdict):
    after, given = decide(held, asking)
    assert given is verdict
    taken = verdict is Verdict.RUN
    assert after == (entry(State.CLAIMED, asking.attempt, asking.coordinates) if taken else held)


@pytest.mark.parametrize("state", [State.DONE, State.RETRY, State.DEAD])
def test_the_delivery_that_holds_the_entry_settles_it_once_and_again(state: State):
    settle = Settle(key=KEY, attempt=0, coordinates=HERE, state=state, digest=7)
    for held in (None, entry(State.CLAIMED), entry(state, int(state is State.RETRY))):
        assert apply(held, settle) == (entry(state, int(state is State.RETRY)), True)


@pytest.mark.parametrize("state", [State.DONE, State.RETRY, State.DEAD])
@pytest.mark.parametrize(
    "held",
    [entry(State.CLAIMED, 0, COPY), entry(State.CLAIMED, 1), entry(State.RETRY, 2), entry(State.DONE, 0, COPY)],
    ids=["another delivery", "a higher attempt", "a later retry", "done elsewhere"],
)
def test_a_delivery_that_was_lost_to_another_settles_nothing(state: State, held: Entry):
    settle = Settle(key=KEY, attempt=0, coordinates=HERE, state=state, digest=7)
    assert apply(held, settle) == (held, False)


def test_a_settle_cannot_claim():
    with pytest.raises(ValueError, match="only a claim"):
        Settle(key=KEY, attempt=0, coordinates=HERE, state=State.CLAIMED)


def test_content_is_compared_unless_a_higher_attempt_may_have_edited_it():
    held = entry(State.CLAIMED, 1)
    assert [conflicting(held, claim(attempt, COPY, digest=8)) for attempt in (0, 1, 2)] == [True, True, False]
    assert not conflicting(held, claim(1, COPY, digest=7))
    assert not conflicting(None, claim(digest=8))
