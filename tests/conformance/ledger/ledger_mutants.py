"""Mutants of the ledger's rules and of the workers: each breaks one rule on purpose, so that a test can catch it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from farandole.ledger import Claim, Entry, Settle, State, Verdict
from farandole.ledger.rules import apply, decide
from ledger_model import Faults, Model, Rules, Workers


def _taken(claim: Claim) -> tuple[Entry, Verdict]:
    state = State.CLAIMED
    return Entry(attempt=claim.attempt, coordinates=claim.coordinates, state=state, digest=claim.digest), Verdict.RUN


def no_dedup(_entry: Entry | None, claim: Claim) -> tuple[Entry, Verdict]:
    """Take every delivery."""
    return _taken(claim)


def any_coordinates(entry: Entry | None, claim: Claim) -> tuple[Entry, Verdict]:
    """Take a claimed entry's event from other coordinates too."""
    if entry is not None and entry.state is State.CLAIMED and claim.attempt == entry.attempt:
        return entry, Verdict.RUN
    return decide(entry, claim)


def done_is_not_final(entry: Entry | None, claim: Claim) -> tuple[Entry, Verdict]:
    """Let a higher attempt take over an event that is done."""
    if entry is not None and entry.state is State.DONE and claim.attempt > entry.attempt:
        return _taken(claim)
    return decide(entry, claim)


def forgotten_retry(entry: Entry | None, claim: Claim) -> tuple[Entry, Verdict]:
    """Drop the failed delivery although its retry record may never have been published."""
    entry, verdict = decide(entry, claim)
    return entry, Verdict.DROP if verdict is Verdict.REPUBLISH_RETRY else verdict


def forgotten_dead_letter(entry: Entry | None, claim: Claim) -> tuple[Entry, Verdict]:
    """Drop the dead delivery although its dead letter may never have been published."""
    entry, verdict = decide(entry, claim)
    return entry, Verdict.DROP if verdict is Verdict.REPUBLISH_DEAD else verdict


def first_attempt_wins(entry: Entry | None, claim: Claim) -> tuple[Entry, Verdict]:
    """Never let a higher attempt take over."""
    if entry is not None and claim.attempt > entry.attempt:
        return entry, Verdict.DROP
    return decide(entry, claim)


def last_settle_wins(_entry: Entry | None, settle: Settle) -> tuple[Entry | None, bool]:
    """Believe every settle."""
    return settle.outcome, True


def refused_says_accepted(entry: Entry | None, settle: Settle) -> tuple[Entry | None, bool]:
    """Keep the entry, and tell the worker that its settle was accepted."""
    return apply(entry, settle)[0], True


def repeated_settle_refused(entry: Entry | None, settle: Settle) -> tuple[Entry | None, bool]:
    """Refuse the same settle the second time."""
    after, accepted = apply(entry, settle)
    return after, accepted and (entry is None or after != entry)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A broken model, and the property that it breaks (none: only the comparison with the rules sees it)."""

    name: str
    model: Model
    breaks: str | None

    def __str__(self) -> str:
        return self.name


_ONE_CRASH = Faults(crashes=1)
_ZOMBIE = Faults(crashes=1, zombie=True)
_WIPE = Faults(crashes=1, zombie=True, wipes=1, redrives=0)

RULES = (
    Mutant(name="no-dedup", model=Model(rules=Rules(decide=no_dedup)), breaks="doubled"),
    Mutant(name="any-coordinates", model=Model(rules=Rules(decide=any_coordinates)), breaks="doubled"),
    Mutant(
        name="done-is-not-final",
        model=Model(rules=Rules(decide=done_is_not_final), faults=Faults(redrives=3, wipes=1)),
        breaks="undone",
    ),
    Mutant(name="forgotten-retry", model=Model(rules=Rules(decide=forgotten_retry), faults=_ONE_CRASH), breaks="lost"),
    Mutant(
        name="forgotten-dead-letter",
        model=Model(rules=Rules(decide=forgotten_dead_letter), faults=_ONE_CRASH),
        breaks="lost",
    ),
    Mutant(name="first-attempt-wins", model=Model(rules=Rules(decide=first_attempt_wins)), breaks=None),
    Mutant(name="last-settle-wins", model=Model(rules=Rules(apply=last_settle_wins), faults=_ZOMBIE), breaks="undone"),
    Mutant(
        name="refused-says-accepted",
        model=Model(rules=Rules(apply=refused_says_accepted), faults=_ZOMBIE),
        breaks="unannounced",
    ),
    Mutant(
        name="repeated-settle-refused",
        model=Model(rules=Rules(apply=repeated_settle_refused), faults=_ZOMBIE),
        breaks=None,
    ),
)
WORKERS = (
    Mutant(
        name="commit-when-refused",
        model=Model(workers=Workers(commit_when_refused=True), faults=_ZOMBIE),
        breaks="lost",
    ),
    Mutant(name="publish-first", model=Model(workers=Workers(publish_first=True)), breaks="unannounced"),
    Mutant(
        name="without-the-epoch-fence", model=Model(workers=Workers(epoch_fence=False), faults=_WIPE), breaks="lost"
    ),
    Mutant(
        name="without-the-assignment-fence",
        model=Model(workers=Workers(assignment_fence=False), faults=_WIPE),
        breaks="lost",
    ),
    Mutant(
        name="the-group-joined-before-the-epoch",
        model=Model(workers=Workers(group_before_epoch=True), faults=_WIPE),
        breaks="lost",
    ),
    Mutant(
        name="pending-entries-expire",
        model=Model(faults=replace(_ZOMBIE, expiries=1)),
        breaks="lost",
    ),
)
