"""Finding: something that the audit found to be wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from farandole.audit.judge import Judgement
from farandole.audit.standing import Standing
from farandole.audit.trace import Trace
from farandole.delivery import Coordinates
from farandole.ledger import Entry

PAGE = "docs/howto/find-a-lost-event.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """``kind`` is a standing's word, or ``deleted unread``, ``doubled`` or ``conflicting``.

    ``where`` are the coordinates of the record to look at; ``key`` is the ledger's key, in hex: all that is left
    of a name where the record is gone.
    """

    kind: str
    service: str
    event_id: str
    type: str
    where: str
    key: str
    what: str
    do: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it the same finding in the next round."""
        return self.kind, self.service, self.key or self.where


def unsound(service: str, judgement: Judgement, key: bytes, trace: Trace | None, entry: Entry | None) -> Finding:
    """Return the finding that an event is lost, stranded, or done and dead."""
    where = trace.coordinates if trace else entry.coordinates if entry else None
    return Finding(
        kind=judgement.standing.value,
        service=service,
        event_id=trace.event_id if trace else "",
        type=trace.type if trace else "",
        where=str(where or ""),
        key=key.hex(),
        what=judgement.reason,
        do=_remedy(service, judgement.standing, trace),
    )


def deleted_unread(service: str, first: Coordinates, count: int) -> Finding:
    """Return the finding that a log deleted records before a service had read them."""
    return Finding(
        kind="deleted unread",
        service=service,
        event_id="",
        type="",
        where=str(first),
        key="",
        what=f"the log deleted {count} records that {service} had not finished",
        do="make the topic's retention longer than the longest outage, and send what was deleted again from its source",
    )


def reused(source_is_ours: bool, before: Trace, service: str) -> Finding:
    """Return the finding that an event carries other content than an earlier one of its id."""
    what = "its id has been used before, with other content; every consumer drops the second one"
    return Finding(
        kind="doubled" if source_is_ours else "conflicting",
        service=service,
        event_id=before.event_id,
        type=before.type,
        where=str(before.coordinates),
        key=before.key.hex(),
        what=what,
        do=f"make the handler of {service} return the same for the same event"
        if source_is_ours
        else f"have {service} give every event an id of its own",
    )


def _remedy(service: str, standing: Standing, trace: Trace | None) -> str:
    if trace is None:
        return f"its record is gone: make it anew from its source; {PAGE}"
    if standing is Standing.CONTRADICTED:
        discard = f"farandole dlq discard {trace.event_id} --service {service}"
        return f"nothing is to be sent again, the dead letter is void: {discard}"
    if trace.replay_id:
        return f"farandole replay run {trace.replay_id}   sends what is missing of it; {PAGE}"
    return f"farandole replay plan --service {service} --id {trace.event_id}   then farandole replay run; {PAGE}"
