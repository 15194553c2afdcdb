"""The ledger's rules, pure: which delivery counts, and which settle is believed.

The script that runs in Redis (``exchange.lua``) and MemoryLedger hold to these same rules; the conformance tests
compare all three with an exhaustive model. *The highest attempt counts; within an attempt the first coordinates count;
done is final at every attempt.*
"""

from __future__ import annotations

from farandole.ledger.claim import Claim, Verdict
from farandole.ledger.entry import Entry, State
from farandole.ledger.settle import Settle


def decide(entry: Entry | None, claim: Claim) -> tuple[Entry, Verdict]:
    """Return the entry after a claim, and what the claiming worker has to do."""
    if entry is None:
        return _taken(claim), Verdict.RUN
    if entry.state is State.DONE:
        return entry, Verdict.DROP
    if claim.attempt > entry.attempt:
        return _taken(claim), Verdict.RUN
    if entry.state is State.RETRY:
        return _decide_announced(entry, claim)
    if claim.attempt == entry.attempt and claim.coordinates == entry.coordinates:
        return entry, Verdict.RUN if entry.state is State.CLAIMED else Verdict.REPUBLISH_DEAD
    return entry, Verdict.DROP


def _decide_announced(entry: Entry, claim: Claim) -> tuple[Entry, Verdict]:
    """Decide while a retry is announced: its record takes over, the delivery that failed announces it again."""
    announcer = claim.coordinates == entry.coordinates
    if claim.attempt == entry.attempt and not announcer:
        return _taken(claim), Verdict.RUN
    if claim.attempt == entry.attempt - 1 and announcer:
        return entry, Verdict.REPUBLISH_RETRY
    return entry, Verdict.DROP


def apply(entry: Entry | None, settle: Settle) -> tuple[Entry | None, bool]:
    """Return the entry after a settle, and whether the settle was accepted.

    Accepted is the settle of the delivery that holds the entry, and the same settle again (its reply may have been
    lost). Where there is no entry it is accepted too: a service with an inbox goes on while Redis is away, and settles
    what it never claimed. Everything else lost the delivery to another worker.
    """
    outcome = settle.outcome
    if entry is None:
        return outcome, True
    holds = (settle.attempt, settle.coordinates, State.CLAIMED)
    if (entry.attempt, entry.coordinates, entry.state) == holds:
        return outcome, True
    repeated = (outcome.attempt, outcome.coordinates, outcome.state)
    return entry, (entry.attempt, entry.coordinates, entry.state) == repeated


def conflicting(entry: Entry | None, claim: Claim) -> bool:
    """Tell whether the claim carries other content under an id that the ledger knows.

    A higher attempt than the entry's is not compared: a redrive may carry an edited value, on purpose.
    """
    return entry is not None and claim.attempt <= entry.attempt and claim.digest != entry.digest


def _taken(claim: Claim) -> Entry:
    return Entry(attempt=claim.attempt, coordinates=claim.coordinates, state=State.CLAIMED, digest=claim.digest)
