"""Judge: which standing an event has, by what is known of it. Pure, and total: every evidence has exactly one.

The order of the look is what makes a judgement safe on a busy mesh: the log's start, then the committed offsets, then
the log's end, then the records, and the ledger and the inbox last. A service writes in the opposite order (the record
that is announced, the settle, the commit), so whatever a committed offset vouches for is found.
"""

from __future__ import annotations

from dataclasses import dataclass

from farandole.audit.evidence import Evidence, Place
from farandole.audit.standing import Standing
from farandole.ledger import Entry, State


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A standing and, where the event is not safe, what happened to it."""

    standing: Standing
    reason: str = ""


def judge(evidence: Evidence) -> Judgement:
    """Return the standing of an event."""
    entry, inbox = evidence.entry, evidence.inbox
    done = [entry.attempt] if entry is not None and entry.state is State.DONE else []
    done += [inbox.attempt] if inbox is not None and inbox.is_handled else []
    if not done:
        return _unhandled(evidence)
    if evidence.dead is not None and evidence.dead > max(done) and not evidence.is_discarded:
        return _told(
            Standing.CONTRADICTED,
            f"it was handled at attempt {max(done)}, and its dead letter of attempt {evidence.dead} is open",
        )
    if entry is not None and entry.state is not State.DONE:
        return _handled_not_settled(evidence)
    return Judgement(standing=Standing.DONE)


def _handled_not_settled(evidence: Evidence) -> Judgement:
    """Judge what the inbox knows and the ledger has open.

    While Redis was away nobody needed it to finish such an event (ADR 0011). Otherwise it is on its way, unless nobody
    will take it up again, and its follow-ons were never published.
    """
    if evidence.is_published or _unhandled(evidence).standing is not Standing.STRANDED:
        return Judgement(standing=Standing.DONE)
    if evidence.is_published is None:
        return Judgement(standing=Standing.UNPROVEN)
    return _told(Standing.STRANDED, "its database has handled it, and its follow-ons were never published")


def _unhandled(evidence: Evidence) -> Judgement:
    entry = evidence.entry
    if entry is None:
        return _without_entry(evidence)
    to_come = evidence.highest_to_come
    if to_come is not None and to_come > entry.attempt:
        return Judgement(standing=Standing.RETRYING)
    match entry.state:
        case State.RETRY:
            return _announced(evidence, entry)
        case State.DEAD:
            return _given_up(evidence, entry)
        case _:
            return _claimed(evidence, entry)


def _claimed(evidence: Evidence, entry: Entry) -> Judgement:
    if evidence.entry_place.comes_again:
        return Judgement(standing=Standing.PARKED if evidence.is_held_back else Standing.IN_FLIGHT)
    if _is_buried(evidence, entry):
        return _dead(evidence)
    if _is_forgotten(evidence):
        return Judgement(standing=Standing.UNPROVEN)
    return _told(Standing.STRANDED, f"attempt {entry.attempt} was claimed{_past(evidence)}, and nobody settled it")


def _announced(evidence: Evidence, entry: Entry) -> Judgement:
    if evidence.highest_to_come == entry.attempt or evidence.entry_place.comes_again:
        return Judgement(standing=Standing.RETRYING)
    if _is_buried(evidence, entry):
        return _dead(evidence)
    if _is_forgotten(evidence):
        return Judgement(standing=Standing.UNPROVEN)
    records = [one for one in evidence.sightings if one.attempt == entry.attempt]
    if not records:
        why = f"attempt {entry.attempt} was announced, and its retry record is nowhere"
    elif any(one.place.comes_again for one in records):
        why = f"its retry record, attempt {entry.attempt}, lies in a tier that the service does not hear any more"
    else:
        why = f"its retry record, attempt {entry.attempt}, was passed without being claimed"
    return _told(Standing.STRANDED, why)


def _given_up(evidence: Evidence, entry: Entry) -> Judgement:
    if _is_buried(evidence, entry):
        return _dead(evidence)
    if evidence.entry_place.comes_again:
        return Judgement(standing=Standing.IN_FLIGHT)
    if evidence.entry_place is Place.DELETED and not evidence.letters_kept:
        return _dead(evidence)
    return _told(Standing.STRANDED, f"it was given up at attempt {entry.attempt}, and its dead letter is nowhere")


def _without_entry(evidence: Evidence) -> Judgement:
    to_come, dead = evidence.highest_to_come, evidence.dead
    if to_come is not None and (dead is None or to_come > dead):
        return Judgement(standing=_on_its_way(evidence, to_come))
    if dead is not None:
        return _dead(evidence)
    if any(one.place.comes_again for one in evidence.sightings):
        return _told(Standing.STRANDED, "its record lies in a tier that the service does not hear any more")
    if evidence.inbox is not None:
        attempt = evidence.inbox.attempt
        return _told(Standing.STRANDED, f"it was given up at attempt {attempt}, and its dead letter is nowhere")
    return _without_a_trace(evidence)


def _on_its_way(evidence: Evidence, attempt: int) -> Standing:
    if attempt > 0:
        return Standing.RETRYING
    return Standing.PARKED if evidence.is_held_back else Standing.WAITING


def _without_a_trace(evidence: Evidence) -> Judgement:
    if evidence.leaves_a_trace:
        return _told(Standing.LOST, "its offset is committed, and neither ledger nor inbox nor any record knows of it")
    match evidence.is_answered:
        case True:
            return Judgement(standing=Standing.DONE)
        case False:
            return _told(
                Standing.LOST, "its offset is committed, and the follow-on that its handler must emit is nowhere"
            )
        case None:
            return Judgement(standing=Standing.UNPROVEN)


def _dead(evidence: Evidence) -> Judgement:
    return Judgement(standing=Standing.DISCARDED if evidence.is_discarded else Standing.DEAD)


def _is_buried(evidence: Evidence, entry: Entry) -> bool:
    return evidence.dead is not None and evidence.dead >= entry.attempt


def _is_forgotten(evidence: Evidence) -> bool:
    """Tell whether the inbox may have handled it without the ledger, so long ago that both record and row are gone."""
    return evidence.entry_place is Place.DELETED and not evidence.sightings and not evidence.leaves_a_trace


def _past(evidence: Evidence) -> str:
    deleted = evidence.entry_place is Place.DELETED
    return ", its record is deleted" if deleted else ", its offset is committed"


def _told(standing: Standing, reason: str) -> Judgement:
    return Judgement(standing=standing, reason=reason)
