"""``farandole tail``: events as they come."""

from __future__ import annotations

from contextlib import closing
from itertools import islice

from farandole.cli.event_lines import EventLines
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home
from farandole.cli.looking import Lines, Looking, Pii, looking, until_nobody_reads
from farandole.cli.mesh import Context
from farandole.cli.output import say
from farandole.cli.selecting import Selecting
from farandole.engine.ports import Partition
from farandole.errors import UsageError
from farandole.selection import follow, freeze

EVERYTHING = Selecting()


def tail(
    *,
    selecting: Selecting = EVERYTHING,
    pii: Pii = False,
    context: Context = "",
    home: Home = None,
    json: Lines = False,
) -> int:
    """Show events as they come, until Ctrl-C or --limit; without a topic or a type, of every domain topic.

    With --from those since then come first, of several partitions mixed. It joins no group and commits nothing.
    Personal fields are masked.
    """
    if selecting.end is not None:
        raise UsageError(
            "tail has no --to",
            why="it goes on with what is yet to come",
            do="farandole events find   shows what lies between --from and --to",
            code="E526",
        )
    with until_nobody_reads():
        look = looking(context, home, selecting, pii=pii)
        starts = _starts(look)
        say(f"{look.selection}, until Ctrl-C")
        _show(look, starts, pii=pii, as_json=json)
    return ExitCode.OK


def _starts(look: Looking) -> dict[Partition, int]:
    spans = freeze(look.reader, look.selection).spans
    live = look.selection.begin is None
    return {at: span.end if live else span.start for at, span in spans.items()}


def _show(look: Looking, starts: dict[Partition, int], *, pii: bool, as_json: bool) -> None:
    lines = EventLines(look.reading.codec, look.masking, as_json=as_json)
    left = look.selection.limit
    with closing(follow(look.reader, starts, look.selection, look.reading, pii=pii)) as batches:
        for batch in batches:
            lines.write(islice(batch, left))
            if left is not None:
                left -= len(batch)
                if left <= 0:
                    return
