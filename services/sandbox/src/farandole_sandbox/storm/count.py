"""Count: what became of every order, seen from outside: the gateway's holds, and the answers in Kafka. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from farandole_sandbox.demo.books import Effect
from farandole_sandbox.demo.record import Record

AUTHORISED: Final = "PaymentAuthorised"
DECLINED: Final = "PaymentDeclined"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """How many orders were answered, given up, lost, doubled. ``last`` is when the last answer was appended.

    *Lost*: no answer and no dead letter, or an answer that says authorised with no money held. *Doubled*: two holds, or
    two answers with different ids; two records with one id are one answer.
    """

    answered: int
    dead: int
    lost: int
    doubled: int
    last: float


def count(
    orders: Iterable[str], *, records: Sequence[Record], dead: Sequence[Record], effects: Sequence[Effect]
) -> Counted:
    """Count, given the ids of all orders, the records of the payments' topic, the dead letters and the outside books.

    A dead letter still holds the order that it is of, or it counts as lost.
    """
    holds = Counter(effect.order_id for effect in effects if effect.kind == "hold")
    answers: dict[str, dict[str, str]] = defaultdict(dict)
    for record in _answers(records):
        answers[str(record.order_id)][record.id] = record.type
    given_up = {record.order_id for record in dead}
    wanted = set(orders)
    return Counted(
        answered=sum(order in answers for order in wanted),
        dead=len({record.id for record in dead}),
        lost=sum(_is_lost(answers.get(one), holds[one], dead=one in given_up) for one in wanted),
        doubled=sum(holds[one] > 1 or len(answers.get(one, ())) > 1 for one in wanted | answers.keys()),
        last=max((record.appended for record in _answers(records)), default=0.0),
    )


def _answers(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.type in (AUTHORISED, DECLINED)]


def _is_lost(answers: dict[str, str] | None, holds: int, *, dead: bool) -> bool:
    if not answers:
        return not dead
    return AUTHORISED in answers.values() and holds == 0
