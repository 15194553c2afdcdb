"""``farandole flow``: where an order is, why it waits, and what to do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Annotated

from cyclopts import Parameter

from farandole import installed
from farandole.breaker import BreakerState, RedisBreakers
from farandole.cli.console import ConsoleAddress, console_at, part
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.looking import until_nobody_reads
from farandole.cli.mesh import Context, mesh
from farandole.cli.output import WIDE, print_json, printable, say
from farandole.contexts import Target
from farandole.errors import BreakersUnavailableError, UnavailableError, UsageError
from farandole.expectation import Expectation
from farandole.flow.document import document
from farandole.flow.drawing import lines, mermaid
from farandole.flow.gathering import Hearers, gathered
from farandole.flow.happening import Happening
from farandole.flow.met import is_met, still_waiting
from farandole.flow.reading import HappeningReader
from farandole.flow.scanning import Scanning
from farandole.flow.tree import FlowTree, flow_tree
from farandole.flow.waiting import Wait, short
from farandole.kafka.log_reader import LogReader
from farandole.wire_schemas import catalogue_here


def flow(
    name: Annotated[str, Parameter(help="An order's id (the key of any event), an event's id, or a flow's.")],
    /,
    *,
    follow: Annotated[bool, Parameter(negative="", help="Go on until what is expected has come, or Ctrl-C.")] = False,
    as_mermaid: Annotated[bool, Parameter(name="--mermaid", negative="", help="A Mermaid flowchart.")] = False,
    scan: Annotated[bool, Parameter(negative="", help="Read the topics, whether or not there is a console.")] = False,
    console: Annotated[str, Parameter(help="Ask the console at this address, and nobody else.")] = "",
    context: Context = "",
    home: Home = None,
    json: Json = False,
) -> int:
    """Show everything that followed from one first event: as a tree of what caused what, and what it waits for.

    Of each event: who emitted it and when (the brokers' time since the flow began), and who heard it, with attempts,
    duplicates, dead letters. Changes nothing, and shows no payload.

    Asks the console: the one that --console or FARANDOLE_URL_CONSOLE names (FARANDOLE_CONSOLE_TOKEN is its token), or
    that of the mesh in the home. Without one, with --scan, --context or --follow it reads the topics, and says so.
    """
    if json + as_mermaid + follow > 1:
        raise UsageError("--json, --mermaid and --follow exclude one another", do="give one of them", code="E595")
    if console and (scan or follow or context):
        raise UsageError("--console excludes --scan, --follow and --context", do="give one of them", code="E560")
    with until_nobody_reads():
        way = "json" if json else "mermaid" if as_mermaid else "lines"
        if not (scan or follow or context) and _told_by_console(name, console_at(home, given=console), way=way):
            return ExitCode.OK
        seen = _Seen.of(mesh(context, home), name)
        if follow:
            _follow(seen)
        elif json:
            print_json(document(*seen.picture()))
        elif as_mermaid:
            sys.stdout.write("\n".join(mermaid(seen.picture()[0])) + "\n")
        else:
            _print(lines(*seen.picture()))
    return ExitCode.OK


def _told_by_console(name: str, address: ConsoleAddress | None, *, way: str) -> bool:
    """Print what the console tells; False where there is none, or it cannot and nobody insists on it."""
    if address is None:
        return False
    try:
        answer = address.ask(f"/api/flows/{part(name)}", {"as": way})
    except UnavailableError as away:
        if address.is_named:
            raise
        say(f"{away.what}: {away.why}")
        return False
    if answer.status_code == 404:
        if address.is_named:
            raise UsageError(
                f"the console knows nothing of {name}",
                why="no event that it has indexed has it as its key, its id or its flow; what is old is forgotten",
                do=f"farandole flow {name} --scan",
                code="E539",
            )
        say("the console does not know it (yet, or any more)")
        return False
    if way == "json":
        print_json(address.document(answer))
    elif way == "mermaid":
        sys.stdout.writelines(f"{printable(line)}\n" for line in answer.text.splitlines())
    else:
        _print(answer.text.splitlines())
    return True


class _Seen:
    """What was seen of one flow so far."""

    def __init__(self, target: Target, scanning: Scanning, log_reader: LogReader, flow_id: str) -> None:
        services = installed.services()
        self.scanning = scanning
        self.flow_id = flow_id
        self.expectations: Sequence[Expectation] = [each for one in services for each in one.expectations]
        self._target = target
        self._log = log_reader
        self._hearers = Hearers(services)
        self._happenings: list[Happening] = scanning.happenings(flow_id)

    @classmethod
    def of(cls, target: Target, name: str) -> _Seen:
        """Find the flow. Raises UsageError where there is none."""
        catalogue = catalogue_here(target)
        log_reader = LogReader(target.connection)
        reader = HappeningReader(catalogue, cluster=asyncio.run(target.cluster_id()))
        scanning = Scanning(log_reader, reader, domain=catalogue.topics)
        say("scanning the topics")
        flows = scanning.flows_named(name)
        if not flows:
            raise UsageError(
                f"nothing is known of {name}",
                why="no event on these brokers has it as its key, its id or its flow: it was never emitted, "
                "retention has removed it, or another mesh is meant",
                do=f"farandole events find --key {name}   or   farandole contexts",
                code="E596",
            )
        first, *others = flows
        if others:
            say(f"{len(flows)} flows have it; this is the one that began first. The others: {' '.join(others[:20])}")
        return cls(target, scanning, log_reader, first)

    def add(self, more: Iterable[Happening]) -> None:
        """Take what happened since."""
        self._happenings += more

    def tree(self) -> FlowTree:
        """Return the flow as it is known now."""
        found = flow_tree(self.flow_id, self._happenings, hears=self._hearers)
        assert found is not None, "something of it was found by its name"
        return found

    def picture(self) -> tuple[FlowTree, Sequence[Wait]]:
        """Return the flow, and what it waits for at this moment."""
        tree = self.tree()
        evidence = gathered(tree, self._log, self._hearers, asyncio.run(_breakers(self._target)))
        return tree, still_waiting(tree, evidence, self.expectations)


async def _breakers(target: Target) -> Mapping[str, BreakerState]:
    try:
        return await RedisBreakers.look(target.redis_url, cluster=await target.cluster_id())
    except BreakersUnavailableError as away:
        say(f"{away.what}: whether one is open is not known")
        return {}


def _follow(seen: _Seen) -> None:
    if sys.stdout.isatty():
        _redraw(seen)
        return
    _print(lines(*seen.picture()))
    with closing(seen.scanning.follow(seen.flow_id)) as batches:
        for more in batches:
            for one in more:
                why = f": {one.message or one.error_class}" if one.error_class else ""
                _print([f"{one.at:%H:%M:%S}  {short(one.type)} {one.kind.value}  {one.service}{why}"])
            seen.add(more)
            if is_met(seen.tree(), seen.expectations):
                return


def _redraw(seen: _Seen) -> None:
    from rich.live import Live  # noqa: PLC0415 - only a command that draws pays for rich
    from rich.text import Text  # noqa: PLC0415

    with Live(auto_refresh=False) as live, closing(seen.scanning.follow(seen.flow_id)) as batches:
        for more in batches:
            seen.add(more)
            live.update(Text("\n".join(map(printable, lines(*seen.picture())))), refresh=True)
            if is_met(seen.tree(), seen.expectations):
                return


COLOURS = {"dead": "red", "retrying": "yellow", "waits": "bold"}


def _print(told: Iterable[str]) -> None:
    """Print lines; colours only on a terminal, and never with NO_COLOR."""
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, soft_wrap=True)
    for line in told:
        words = line.split()
        style = next((colour for word, colour in COLOURS.items() if word in words[:3]), "")
        console.print(Text(printable(line), style=style))
