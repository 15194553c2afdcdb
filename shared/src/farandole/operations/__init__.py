"""Operations: what an operator does to a mesh, recorded before it is done, and the ground that each of them stands on.

The audit topic, giving records to a service again, at what pace, who else is at it, and what became of what was sent.
"""

from farandole.operations.audit_record import (
    Asked,
    AuditRecord,
    Began,
    Checkpoint,
    Ended,
    Noted,
    Resumed,
)
from farandole.operations.audit_topic import AuditTopic
from farandole.operations.cancelling import ask_to_cancel, cancelled, demand_cancellable
from farandole.operations.history import Course, Stage, courses
from farandole.operations.intent import demand_word, intended
from farandole.operations.lease import Lease, holder
from farandole.operations.operation import Operation, new_id
from farandole.operations.outcomes import Given, Outcome, Outcomes, counted
from farandole.operations.pace import Pace
from farandole.operations.recording import Receipt, recorded
from farandole.operations.redelivery import Redelivery
from farandole.operations.sending import Sending
from farandole.operations.sent import Sent

__all__ = [
    "Asked",
    "AuditRecord",
    "AuditTopic",
    "Began",
    "Checkpoint",
    "Course",
    "Ended",
    "Given",
    "Lease",
    "Noted",
    "Operation",
    "Outcome",
    "Outcomes",
    "Pace",
    "Receipt",
    "Redelivery",
    "Resumed",
    "Sending",
    "Sent",
    "Stage",
    "ask_to_cancel",
    "cancelled",
    "counted",
    "courses",
    "demand_cancellable",
    "demand_word",
    "holder",
    "intended",
    "new_id",
    "recorded",
]
