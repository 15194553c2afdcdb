"""Every question to every entry: the whole domain of the rules over a few attempts and places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from farandole.delivery import Coordinates
from farandole.ledger import Answers, Claim, Entry, Ledger, Settle, State, Verdict, event_key
from farandole.ledger.rules import conflicting
from ledger_model import KEY, PLACES, Rules

DIGEST, OTHER_DIGEST = 7, 8

Question = Claim | Settle


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A question to an entry."""

    entry: Entry | None
    question: Question


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a ledger answered, what it says of the content, and the entry that it was left with."""

    answer: Verdict | bool
    conflict: bool
    entry: Entry | None


def cases(*, attempts: Sequence[int] = range(4), places: Sequence[Coordinates] = PLACES) -> list[Case]:
    """Return every question to every entry. A retry of attempt 0 cannot be announced: there is none before it."""
    entries = [None] + [
        Entry(attempt=attempt, coordinates=place, state=state, digest=DIGEST)
        for attempt, place, state in product(attempts, places, State)
        if (attempt, state) != (0, State.RETRY)
    ]
    claims: list[Question] = [
        Claim(key=KEY, attempt=attempt, coordinates=place, digest=digest)
        for attempt, place, digest in product(attempts, places, (DIGEST, OTHER_DIGEST))
    ]
    settles: list[Question] = [
        Settle(key=KEY, attempt=attempt, coordinates=place, state=state, digest=DIGEST)
        for attempt, place, state in product(attempts, places, (State.DONE, State.RETRY, State.DEAD))
    ]
    return [Case(entry=entry, question=question) for entry, question in product(entries, claims + settles)]


def by_rules(case: Case, rules: Rules) -> Outcome:
    """Answer by pure rules."""
    if isinstance(case.question, Claim):
        entry, verdict = rules.decide(case.entry, case.question)
        return Outcome(answer=verdict, conflict=conflicting(case.entry, case.question), entry=entry)
    after, accepted = rules.apply(case.entry, case.question)
    return Outcome(answer=accepted, conflict=False, entry=after)


async def by_ledger(ledger: Ledger, epoch: str, asked: Sequence[Case], *, run: str) -> list[Outcome]:
    """Bring a real ledger into each case's state, through its own door, and ask it the case's question."""
    keys = [event_key(run, str(number)) for number in range(len(asked))]
    for state_of in (_claims_before, _settles_before):
        questions = [replace(q, key=key) for key, case in zip(keys, asked, strict=True) for q in state_of(case.entry)]
        await ask(ledger, epoch, questions)
    before = await ledger.lookup(keys)
    assert [before[key] for key in keys] == [case.entry for case in asked], "the ledger was not brought into its state"
    questions = [replace(case.question, key=key) for key, case in zip(keys, asked, strict=True)]
    answers, conflicts = await ask(ledger, epoch, questions)
    after = await ledger.lookup(keys)
    return [
        Outcome(answer=answer, conflict=conflict, entry=after[key])
        for answer, conflict, key in zip(answers, conflicts, keys, strict=True)
    ]


async def ask(ledger: Ledger, epoch: str, questions: Sequence[Question]) -> tuple[list[Verdict | bool], list[bool]]:
    """Ask in one exchange; return answers and conflicts in the order of the questions. No key may be asked twice."""
    settles = [question for question in questions if isinstance(question, Settle)]
    claims = [question for question in questions if isinstance(question, Claim)]
    given: Answers = await ledger.exchange(epoch, settles, claims)
    settled, claimed, conflicting_ = map(iter, (given.settled, given.claimed, given.conflicting))
    answers = [next(settled) if isinstance(question, Settle) else next(claimed) for question in questions]
    return answers, [isinstance(question, Claim) and next(conflicting_) for question in questions]


def _claims_before(entry: Entry | None) -> list[Question]:
    if entry is None:
        return []
    attempt = entry.attempt - 1 if entry.state is State.RETRY else entry.attempt
    return [Claim(key=KEY, attempt=attempt, coordinates=entry.coordinates, digest=entry.digest)]


def _settles_before(entry: Entry | None) -> list[Question]:
    if entry is None or entry.state is State.CLAIMED:
        return []
    attempt = entry.attempt - 1 if entry.state is State.RETRY else entry.attempt
    at, digest = entry.coordinates, entry.digest
    return [Settle(key=KEY, attempt=attempt, coordinates=at, state=entry.state, digest=digest)]
