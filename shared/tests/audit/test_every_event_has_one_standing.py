"""The judge of the audit, for every combination of what Kafka, the ledger and the inbox may say of an event.

The judge is total: whatever is found, an event has exactly one standing, so a balance adds up. What these tests hold it
to beyond that is independent of how it is written: what the mesh would do next with such an event. An event that
somebody will be given again, or that is handled, or whose dead letter is open, is never called lost; one that nobody
will take further always is.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from farandole.audit.evidence import Evidence, Place, Sighting
from farandole.audit.judge import judge
from farandole.audit.standing import Standing
from farandole.delivery import Coordinates
from farandole.ledger import Claim, Entry, State, Verdict
from farandole.ledger.rules import decide
from farandole.store.inbox_view import Remembered
from hypothesis import given, settings
from hypothesis import strategies as st

attempts = st.integers(min_value=0, max_value=4)
places = st.sampled_from(Place)
optional_attempts = st.none() | attempts
coordinates = st.builds(Coordinates, topic=st.just("t"), partition=st.just(0), offset=st.integers(0, 3))
entries = st.none() | st.builds(Entry, attempt=attempts, coordinates=coordinates, state=st.sampled_from(State))
sightings = st.lists(st.builds(Sighting, attempt=attempts, place=places, heard=st.booleans()), max_size=4).map(tuple)
evidence = st.builds(
    Evidence,
    sightings=sightings,
    dead=optional_attempts,
    entry=entries,
    entry_place=places,
    inbox=st.none() | st.builds(Remembered, attempt=attempts, is_handled=st.booleans()),
    letters_kept=st.booleans(),
    leaves_a_trace=st.booleans(),
    is_answered=st.none() | st.booleans(),
    is_published=st.none() | st.booleans(),
    is_held_back=st.booleans(),
)
NOBODY = Coordinates(topic="elsewhere", partition=0, offset=9)


def is_done(found: Evidence) -> bool:
    """Whether ledger or inbox say that it was handled, at the attempt of its dead letters or a later one."""
    done = [found.entry.attempt] if found.entry and found.entry.state is State.DONE else []
    done += [found.inbox.attempt] if found.inbox and found.inbox.is_handled else []
    return bool(done) and max(done) >= (found.dead or 0)


def comes_again(found: Evidence) -> bool:
    """Whether a record will be delivered that the ledger's own rules do not drop."""
    entry = found.entry
    if entry is not None and entry.state is not State.DONE and found.entry_place.comes_again:
        return True
    return any(
        decide(entry, Claim(key=b"k", attempt=one.attempt, coordinates=NOBODY))[1] is Verdict.RUN
        for one in found.sightings
        if one.comes_again
    )


def settled_in_the_ledger(found: Evidence) -> bool:
    return found.entry is None or found.entry.state is State.DONE


@given(evidence)
@settings(max_examples=200)
def test_every_event_has_exactly_one_standing_and_a_reason_where_it_is_not_safe(found: Evidence):
    judgement = judge(found)
    assert judgement.standing in Standing
    assert bool(judgement.reason) != judgement.standing.is_sound


@given(evidence)
@settings(max_examples=200)
def test_what_will_be_delivered_again_is_neither_lost_nor_stranded(found: Evidence):
    if comes_again(found):
        assert judge(found).standing not in {Standing.LOST, Standing.STRANDED, Standing.UNPROVEN}


@given(evidence)
@settings(max_examples=200)
def test_what_is_handled_and_settled_is_done(found: Evidence):
    if is_done(found) and settled_in_the_ledger(found):
        assert judge(found).standing is Standing.DONE


@given(evidence)
@settings(max_examples=200)
def test_nobody_is_done_without_a_word_of_it(found: Evidence):
    told = is_done(found) or (found.entry is None and found.is_answered is True and not found.leaves_a_trace)
    if judge(found).standing is Standing.DONE:
        assert told


@given(evidence, attempts)
@settings(max_examples=500)
def test_a_discard_closes_a_dead_letter_and_hides_nothing_else(anything: Evidence, dead: int):
    found = replace(anything, dead=dead)
    before, after = judge(found), judge(replace(found, is_discarded=True))
    match before.standing:
        case Standing.DEAD:
            assert after.standing is Standing.DISCARDED
        case Standing.CONTRADICTED:
            assert after.standing in {Standing.DONE, Standing.STRANDED, Standing.UNPROVEN}
        case _:
            assert after == before


@given(evidence)
@settings(max_examples=200)
def test_what_nobody_takes_further_is_named(found: Evidence):
    """Nothing comes again, nobody handled it, no dead letter is open, and all would be remembered."""
    silent = replace(found, dead=None, leaves_a_trace=True, letters_kept=True, is_published=False)
    if is_done(silent) or comes_again(silent):
        return
    assert not judge(silent).standing.is_sound


@given(evidence)
@settings(max_examples=200)
def test_a_handled_event_with_a_later_dead_letter_is_a_contradiction(found: Evidence):
    handled = found.inbox is not None and found.inbox.is_handled
    handled = handled or (found.entry is not None and found.entry.state is State.DONE)
    assert (judge(found).standing is Standing.CONTRADICTED) == (handled and not is_done(found))


@given(evidence)
@settings(max_examples=200)
def test_what_may_have_been_forgotten_is_not_called_lost(found: Evidence):
    if not found.leaves_a_trace and found.is_answered is not False:
        assert judge(found).standing is not Standing.LOST


def entry(state: State, attempt: int = 0) -> Entry:
    return Entry(attempt=attempt, coordinates=Coordinates(topic="t", partition=0, offset=0), state=state)


def at(place: Place, attempt: int = 0, *, heard: bool = True) -> Sighting:
    return Sighting(attempt=attempt, place=place, heard=heard)


EXAMPLES = {
    "nobody took it yet": (Evidence(sightings=(at(Place.OPEN),)), Standing.WAITING),
    "its dependency is away": (Evidence(sightings=(at(Place.OPEN),), is_held_back=True), Standing.PARKED),
    "somebody works on it": (
        Evidence(sightings=(at(Place.OPEN),), entry=entry(State.CLAIMED), entry_place=Place.OPEN),
        Standing.IN_FLIGHT,
    ),
    "it waits in a tier": (
        Evidence(
            sightings=(at(Place.PASSED), at(Place.OPEN, 1)), entry=entry(State.RETRY, 1), entry_place=Place.PASSED
        ),
        Standing.RETRYING,
    ),
    "it waits in a tier, and the ledger was wiped": (
        Evidence(sightings=(at(Place.PASSED), at(Place.OPEN, 1))),
        Standing.RETRYING,
    ),
    "it was announced a moment ago": (
        Evidence(sightings=(at(Place.OPEN),), entry=entry(State.RETRY, 1), entry_place=Place.OPEN),
        Standing.RETRYING,
    ),
    "its retry record is missing": (
        Evidence(sightings=(at(Place.PASSED),), entry=entry(State.RETRY, 1), entry_place=Place.PASSED),
        Standing.STRANDED,
    ),
    "its retry record was skipped": (
        Evidence(
            sightings=(at(Place.PASSED), at(Place.PASSED, 1)), entry=entry(State.RETRY, 1), entry_place=Place.PASSED
        ),
        Standing.STRANDED,
    ),
    "its tier has no listener any more": (
        Evidence(
            sightings=(at(Place.PASSED), at(Place.OPEN, 1, heard=False)),
            entry=entry(State.RETRY, 1),
            entry_place=Place.PASSED,
        ),
        Standing.STRANDED,
    ),
    "it is dead": (
        Evidence(sightings=(at(Place.PASSED),), dead=0, entry=entry(State.DEAD), entry_place=Place.PASSED),
        Standing.DEAD,
    ),
    "it is dead, the ledger was wiped, and the delivery that died comes again": (
        Evidence(sightings=(at(Place.OPEN),), dead=0),
        Standing.DEAD,
    ),
    "its dead letter is missing": (
        Evidence(sightings=(at(Place.PASSED),), entry=entry(State.DEAD), entry_place=Place.PASSED),
        Standing.STRANDED,
    ),
    "its dead letter was deleted with age": (
        Evidence(entry=entry(State.DEAD), entry_place=Place.DELETED, letters_kept=False),
        Standing.DEAD,
    ),
    "its dead letter is sent again": (
        Evidence(
            sightings=(at(Place.PASSED), at(Place.OPEN, 1)), dead=0, entry=entry(State.DEAD), entry_place=Place.PASSED
        ),
        Standing.RETRYING,
    ),
    "it was dead, and a redrive was handled": (
        Evidence(sightings=(at(Place.PASSED),), dead=0, entry=entry(State.DONE, 1), entry_place=Place.PASSED),
        Standing.DONE,
    ),
    "it was claimed, and skipped": (
        Evidence(sightings=(at(Place.PASSED),), entry=entry(State.CLAIMED), entry_place=Place.PASSED),
        Standing.STRANDED,
    ),
    "it was claimed, and its record was deleted": (
        Evidence(entry=entry(State.CLAIMED), entry_place=Place.DELETED),
        Standing.STRANDED,
    ),
    "it was handled, and skipped before its follow-ons were published": (
        Evidence(
            sightings=(at(Place.PASSED),),
            entry=entry(State.CLAIMED),
            entry_place=Place.PASSED,
            inbox=Remembered(attempt=0, is_handled=True),
            is_published=False,
        ),
        Standing.STRANDED,
    ),
    "it was handled while Redis was away, and Redis never heard of it": (
        Evidence(
            sightings=(at(Place.PASSED),),
            entry=entry(State.CLAIMED),
            entry_place=Place.PASSED,
            inbox=Remembered(attempt=0, is_handled=True),
        ),
        Standing.DONE,
    ),
    "it was claimed long ago, perhaps handled while Redis was away, and all but the entry is deleted": (
        Evidence(entry=entry(State.CLAIMED), entry_place=Place.DELETED, leaves_a_trace=False),
        Standing.UNPROVEN,
    ),
    "it was skipped": (Evidence(sightings=(at(Place.PASSED),)), Standing.LOST),
    "given up, and nothing else is known": (
        Evidence(sightings=(at(Place.PASSED),), inbox=Remembered(attempt=0, is_handled=False)),
        Standing.STRANDED,
    ),
    "the ledger was wiped": (Evidence(sightings=(at(Place.PASSED),), leaves_a_trace=False), Standing.UNPROVEN),
    "the ledger was wiped, its follow-on is there": (
        Evidence(sightings=(at(Place.PASSED),), leaves_a_trace=False, is_answered=True),
        Standing.DONE,
    ),
    "the ledger was wiped, its follow-on is not there": (
        Evidence(sightings=(at(Place.PASSED),), leaves_a_trace=False, is_answered=False),
        Standing.LOST,
    ),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_event_of_which_it_is_known_that(example: str):
    found, standing = EXAMPLES[example]
    assert judge(found).standing is standing
