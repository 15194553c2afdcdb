"""History: the records of the audit topic, put together by operation. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from farandole.operations.audit_record import Asked, Began, Checkpoint, Counts, Ended, Noted, Resumed
from farandole.operations.operation import Operation


class Stage(Enum):
    """How far an operation is. The values are the words of the output."""

    OPEN = "open"
    """It has not ended: it runs, or its process was interrupted."""
    PAUSED = "paused"
    """Somebody asked it to pause, and nobody to resume since."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self not in {Stage.OPEN, Stage.PAUSED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """One operation from its beginning to where it is now, and every record about it in order."""

    operation: Operation
    stage: Stage
    began: Began
    notes: Sequence[Noted]
    counts: Counts
    """As the last record that counts anything has them."""
    ended: Ended | None = None

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it is not over."""
        return None if self.ended is None else self.ended.at

    @property
    def checkpoint(self) -> Checkpoint | None:
        """How far it came at last; None where it never told."""
        return next((one.record for one in reversed(self.notes) if isinstance(one.record, Checkpoint)), None)

    @property
    def marks(self) -> Mapping[int, int]:
        """From where on to read back what it has sent (`Redelivery.sent`)."""
        return self.began.marks if self.checkpoint is None else self.checkpoint.marks


def courses(notes: Iterable[Noted]) -> list[Course]:
    """Return the operations that these records are about, as they began; one whose beginning is not there is left out.

    Where two records say that the same operation began, the first is believed.
    """
    told: dict[str, list[Noted]] = {}
    for one in notes:
        told.setdefault(one.record.operation, []).append(one)
    found = (_course(mine) for mine in told.values())
    return sorted((one for one in found if one is not None), key=lambda one: one.notes[0].offset)


def _course(notes: list[Noted]) -> Course | None:
    beginning = next((at for at, one in enumerate(notes) if isinstance(one.record, Began)), None)
    if beginning is None:
        return None
    mine = notes[beginning:]
    began, stage, counts = mine[0].record, Stage.OPEN, dict[str, int]()
    ended: Ended | None = None
    assert isinstance(began, Began)
    for one in mine:
        match one.record:
            case Ended() as end:
                ended, stage, counts = end, Stage(end.result), end.counts or counts
            case Resumed():
                stage, ended = Stage.OPEN, None
            case Checkpoint() as point:
                counts = point.counts or counts
            case Asked(wish=wish) if not stage.is_over:
                stage = {"pause": Stage.PAUSED, "resume": Stage.OPEN}.get(wish, stage)
            case _:
                pass
    return Course(operation=began.begun, stage=stage, began=began, notes=mine, counts=counts, ended=ended)
