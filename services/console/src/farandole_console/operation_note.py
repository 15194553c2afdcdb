"""OperationNote: what one record of the audit topic says of an operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from farandole.delivery import Record
from farandole.operations.audit_record import KINDS, Asked, Began, Decoding, Ended, Resumed
from farandole.store import UnitOfWork
from sqlalchemy import select

from farandole_console.tables import operation_note

LONGEST: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationNote:
    """One record of the audit topic, at ``offset``. ``kind`` is that of the record: began, ended and the like."""

    offset: int
    operation: str
    kind: str
    at: datetime
    service: str
    who: str
    why: str


class NoteReader:
    """Reads records of the audit topic. Whoever may write to it may write anything: what is no record is None."""

    def __init__(self) -> None:
        self._decoding = Decoding(KINDS)

    def note(self, record: Record) -> OperationNote | None:
        """Return what a record says, its texts cut; the time is the broker's."""
        found = self._decoding.decode(record.value)
        if found is None:
            return None
        service = who = why = ""
        match found:
            case Began(begun=begun):
                service, who, why = begun.service, begun.claimed or begun.who, begun.why
            case Resumed() | Asked():
                who, why = found.who, found.why
            case Ended():
                why = found.why
            case _:
                pass
        return OperationNote(
            offset=record.coordinates.offset,
            operation=_kept(found.operation),
            kind=type(found).__name__.lower(),
            at=record.appended,
            service=_kept(service),
            who=_kept(who),
            why=_kept(why),
        )


async def keep_notes(work: UnitOfWork, notes: Sequence[OperationNote]) -> None:
    """Keep what is not kept yet."""
    if notes:
        await work.execute(work.insert(operation_note).on_conflict_do_nothing(), [asdict(one) for one in notes])


async def notes_of(work: UnitOfWork, operation: str) -> Sequence[OperationNote]:
    """Return what is known of an operation, oldest first; the first thousand at most."""
    query = (
        select(operation_note)
        .where(operation_note.c.operation == operation)
        .order_by(operation_note.c.offset)
        .limit(1_000)
    )
    return [OperationNote(**row) for row in (await work.execute(query)).mappings()]


def _kept(text: str) -> str:
    return text[:LONGEST].replace("\x00", "\ufffd")
