"""``farandole flows``: the flows that the console knows, those that are stuck first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from cyclopts import Parameter

from farandole.cli.console import URL, ConsoleAddress, console_at
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.output import print_json, print_table, say
from farandole.errors import UsageError

MOST: Final = 1_000


def flows(
    *,
    stuck: Annotated[bool, Parameter(negative="")] = False,
    limit: int = 50,
    home: Home = None,
    json: Json = False,
) -> int:
    """List flows: those that are stuck first, with why and since when, then those that began last.

    Asks the console of the mesh in the home, or the one that FARANDOLE_URL_CONSOLE names. Exits with 4 where a flow is
    stuck.

    Parameters
    ----------
    stuck
        Only those that are stuck.
    limit
        How many of each at most.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(f"--limit {limit} is out of range", do=f"give a number from 1 to {MOST}", code="E606")
    console = console_at(home)
    if console is None:
        raise UsageError(
            "there is no console to ask for flows",
            why="no mesh runs in the home, and nothing names one",
            do=f"name it in {URL}; farandole flow ID reads the topics without it",
            code="E605",
        )
    found = _asked(console, {"stuck": "1", "limit": str(limit)})
    others = [] if stuck else _asked(console, {"limit": str(limit)})
    if json:
        print_json({"stuck": found} if stuck else {"stuck": found, "flows": others})
    else:
        _show(found, others, only_stuck=stuck)
    return ExitCode.CHECK_FAILED if found else ExitCode.OK


def _asked(console: ConsoleAddress, query: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    found = console.document(console.ask("/api/flows", query))
    return found["flows"] if isinstance(found, dict) else ()


def _show(found: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]], *, only_stuck: bool) -> None:
    if found:
        rows = [
            (
                one["flow"],
                one["key"] or "-",
                one["expectation"],
                one["stuck_since"],
                one["last_type"] or "-",
                one["why"],
            )
            for one in found
        ]
        print_table("stuck", ("flow", "key", "expected", "since", "last event", "why"), rows)
        say(f"next: farandole flow {found[0]['flow']}")
    else:
        say("no flow is stuck")
    if not only_stuck:
        listed = [(one["flow"], one["key"], one["began"], one["last_type"], str(one["events"])) for one in others]
        print_table("flows", ("flow", "key", "began", "last event", "events"), listed)
