"""``farandole events``: look events up in the topics."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cyclopts import App

from farandole.cli.event_lines import EventLines
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home
from farandole.cli.looking import Lines, Pii, looking, until_nobody_reads
from farandole.cli.mesh import Context
from farandole.cli.output import say
from farandole.cli.selecting import Selecting
from farandole.selection import Tally, freeze, scan

app = App(name="events", help="Look events up in the topics.", result_action="return_value")
FEW: Final = 100
EVERYTHING: Final = Selecting()


@app.command
def find(
    *,
    selecting: Selecting = EVERYTHING,
    pii: Pii = False,
    context: Context = "",
    home: Home = None,
    json: Lines = False,
) -> int:
    """Show the events that are selected, the first ones by time; without a topic or a type, of every domain topic.

    What is there at this moment is searched, nothing that comes later. Without --limit at most 100 are shown. Personal
    fields are masked.
    """
    with until_nobody_reads():
        look = looking(context, home, selecting, pii=pii)
        limit = look.selection.limit or FEW
        selection, tally = replace(look.selection, limit=limit), Tally()
        lines = EventLines(look.reading.codec, look.masking, as_json=json)
        for batch in scan(look.reader, freeze(look.reader, selection), selection, look.reading, pii=pii, tally=tally):
            lines.write(batch)
        _tell(tally, limit)
    return ExitCode.OK


def _tell(tally: Tally, limit: int) -> None:
    if tally.selected >= limit:
        say(f"the first {limit:,}; there may be more: --limit")
    elif not tally.selected:
        say(f"none of {tally.read:,} records is selected")
    if tally.undecodable:
        say(f"of {tally.undecodable:,} records --where could not be asked: they hold no event that can be decoded")
    if tally.unanswered:
        say(f"of {tally.unanswered:,} events --where could not be told: no such item, an overflow, or too long a loop")
