"""How the audit topic keeps a plan: its records' offsets in pieces, as a record takes a megabyte, then the plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from farandole.delivery import is_operation_id
from farandole.errors import UsageError
from farandole.operations import AuditRecord
from farandole.operations.pace import LEAST_RATE, MOST_RATE
from farandole.replay.plan import Plan

PIECE: Final = 500_000
MOST_PIECES: Final = 40
DIGEST_BYTES: Final = 12


class Piece(AuditRecord, frozen=True, kw_only=True):
    """A piece of the plan's packed offsets."""

    number: int
    text: str


class Planned(AuditRecord, frozen=True, kw_only=True):
    """A plan without its offsets, and how many pieces of a text of which digest they are."""

    plan: Plan
    pieces: int
    digest: str


def records_of(plan: Plan) -> Sequence[AuditRecord]:
    """Return the records that keep a plan; the plan itself is the last, so what is there is whole.

    Raises UsageError where too many scattered records are chosen to be kept.
    """
    texts = [plan.packed[first : first + PIECE] for first in range(0, len(plan.packed), PIECE)]
    if len(texts) > MOST_PIECES:
        raise UsageError(
            f"the plan names {plan.counts.would_run:,} records that lie too far apart to be kept",
            why=f"it would take {len(plan.packed) // 1_000_000} MB of the audit topic",
            do="plan a part of it: --from and --to, or --limit",
            code="E536",
        )
    pieces = [Piece(operation=plan.id, at=plan.made, number=number, text=text) for number, text in enumerate(texts)]
    bare = msgspec.structs.replace(plan, packed="")
    return [
        *pieces,
        Planned(operation=plan.id, at=plan.made, plan=bare, pieces=len(texts), digest=_digest(plan.packed)),
    ]


def plan_of(records: Iterable[AuditRecord]) -> Plan | None:
    """Return the plan that these records keep, whole or, where no piece is among them, without its offsets.

    None where they keep none, or not all of it.
    """
    pieces: dict[int, str] = {}
    planned: Planned | None = None
    for record in records:
        if isinstance(record, Piece):
            pieces.setdefault(record.number, record.text)
        elif isinstance(record, Planned):
            planned = planned or record
    if planned is None or not _is_ours(planned):
        return None
    if not pieces:
        return planned.plan
    packed = "".join(pieces.get(number, "") for number in range(planned.pieces))
    return msgspec.structs.replace(planned.plan, packed=packed) if _digest(packed) == planned.digest else None


def _is_ours(planned: Planned) -> bool:
    """Tell whether a plan may be what `records_of` wrote: whoever may write to the topic may write anything."""
    plan = planned.plan
    return (
        plan.id == planned.operation
        and is_operation_id(plan.id)
        and LEAST_RATE <= plan.rate <= MOST_RATE
        and planned.pieces <= MOST_PIECES
    )


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
