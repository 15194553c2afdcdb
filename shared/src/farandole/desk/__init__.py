"""Desk: the dead letters of a service, what became of each, and how they are sent again, mended or put aside."""

from farandole.desk.board import Board
from farandole.desk.case import Case, Standing
from farandole.desk.choice import Choice, choice, chosen, nothing_chosen
from farandole.desk.desk import Desk, desk, not_installed, services_with_letters
from farandole.desk.deskwork import Deskwork
from farandole.desk.edit import Edit, refused_edit
from farandole.desk.editing import editable, edited
from farandole.desk.group import Group, grouped
from farandole.desk.letter import Letter, Mark, private_texts
from farandole.desk.marking import DISCARD, REOPEN, Deed, ToMark, marked, to_mark
from farandole.desk.obstacle import to_discard, to_edit, to_redrive, to_reopen
from farandole.desk.payload import as_json, changed
from farandole.desk.place import Place, opened, service_here
from farandole.desk.redrive import Redrive, blocked, ends_of, interrupted, nothing_to_send, resumed, shut
from farandole.desk.redrive_plan import RedrivePlan, bare, confirmed, limited, planned, sent_before, spans_of
from farandole.desk.redrive_run import Prepared, prepared, run
from farandole.desk.redriving import Redriven, Redriving
from farandole.desk.sheet import Sheet, described, hidden, sheet
from farandole.redaction import redacted_unless_unread

__all__ = [
    "DISCARD",
    "REOPEN",
    "Board",
    "Case",
    "Choice",
    "Deed",
    "Desk",
    "Deskwork",
    "Edit",
    "Group",
    "Letter",
    "Mark",
    "Place",
    "Prepared",
    "Redrive",
    "RedrivePlan",
    "Redriven",
    "Redriving",
    "Sheet",
    "Standing",
    "ToMark",
    "as_json",
    "bare",
    "blocked",
    "changed",
    "choice",
    "chosen",
    "confirmed",
    "described",
    "desk",
    "editable",
    "edited",
    "ends_of",
    "grouped",
    "hidden",
    "interrupted",
    "limited",
    "marked",
    "not_installed",
    "nothing_chosen",
    "nothing_to_send",
    "opened",
    "planned",
    "prepared",
    "private_texts",
    "redacted_unless_unread",
    "refused_edit",
    "resumed",
    "run",
    "sent_before",
    "service_here",
    "services_with_letters",
    "sheet",
    "shut",
    "spans_of",
    "to_discard",
    "to_edit",
    "to_mark",
    "to_redrive",
    "to_reopen",
]
