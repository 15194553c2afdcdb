"""Main: the ``farandole`` command, its subcommands imported only when they are called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Final

from cyclopts import App, CycloptsError

from farandole import log
from farandole.cli.exit_code import ExitCode, exit_code_of
from farandole.cli.output import error_line
from farandole.errors import FarandoleError, UsageError

GROUP: Final = "farandole.commands"
"""Entry points of this group add a command each: its name, and a cyclopts app or a function."""

BUILT_IN: Final = {
    "up": ("farandole.cli.up:up", "Run a real Kafka, a real Redis and every installed service, until Ctrl-C."),
    "down": ("farandole.cli.down:down", "End a mesh that runs elsewhere."),
    "status": ("farandole.cli.status:status", "Show what runs, where, and how it does."),
    "breakers": ("farandole.cli.breakers:breakers", "Show how the outside systems do, and why calls to them wait."),
    "doctor": ("farandole.cli.doctor:doctor", "Check this machine and the mesh; say what to do."),
    "contracts": ("farandole.cli.contracts:app", "Check the schemas; generate the event classes."),
    "topics": ("farandole.cli.topics:app", "Plan and create the topics of the mesh."),
    "topology": ("farandole.cli.topology:topology", "Show who emits and who hears each event."),
    "contexts": ("farandole.cli.contexts:contexts", "Show the meshes that have a name: what --context takes."),
    "operations": ("farandole.cli.operations:app", "Show what was done to the mesh, by whom and why."),
    "audit": ("farandole.cli.audit:command", "Show what became of every event; name those that are lost."),
    "flow": ("farandole.cli.flow:flow", "Show where an order is, why it waits, and what to do."),
    "flows": ("farandole.cli.flows:flows", "Show flows, those that are stuck first."),
    "tail": ("farandole.cli.tail:tail", "Show events as they come."),
    "events": ("farandole.cli.events:app", "Look events up in the topics."),
    "replay": ("farandole.cli.replay:app", "Deliver history again to one service, exactly as planned."),
    "dlq": ("farandole.cli.dlq:app", "Show dead letters; send them again, mend them, put them aside."),
    "new": ("farandole.cli.new:app", "Write a new service into this workspace."),
    "run": ("farandole.cli.run:run", "Run one installed service as this process."),
}


def build() -> App:
    """Return the command with every built-in and installed subcommand; none of them is imported yet."""
    app = App(
        name="farandole",
        help="Event choreography on Kafka: run a mesh, look at it, mend it.",
        version_flags=["--version"],
        result_action="return_value",
    )
    for name, (target, summary) in BUILT_IN.items():
        app.command(target, name=name, help=summary)
    for entry in entry_points(group=GROUP):
        app.command(entry.value, name=entry.name)
    return app


def _demand_text(arguments: Sequence[str]) -> None:
    """Raise UsageError where an argument is bytes that are no UTF-8: no record and no file of ours could hold it."""
    for one in arguments:
        if not one.isascii() and one.encode("utf-8", "replace").decode() != one:
            raise UsageError(
                f"{one.encode('utf-8', 'replace').decode()} is no text",
                why="an argument of the command line is not UTF-8",
                do="write it in UTF-8",
                code="E503",
            )


def main() -> None:
    """Run the command line and exit: 0 ok, 1 failed, 2 usage, 3 changes planned, 4 a check failed, 5 unreachable."""
    as_json = "--json" in sys.argv
    log.to_stderr()
    try:
        _demand_text(sys.argv[1:])
        result = build()(exit_on_error=False, print_error=True)
    except CycloptsError:
        raise SystemExit(ExitCode.USAGE) from None
    except FarandoleError as error:
        sys.stderr.write(error_line(error, as_json=as_json) + "\n")
        raise SystemExit(exit_code_of(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(result if isinstance(result, int) else ExitCode.OK)
