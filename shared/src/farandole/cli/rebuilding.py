"""``farandole replay rebuild``: build a read model's store again from history, and switch its service over to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from cyclopts import App, Parameter

from farandole import installed
from farandole.cli.acting import Acting, waited
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context, mesh
from farandole.cli.output import print_json, print_table, say
from farandole.cli.progress import Progress, progress
from farandole.cli.rebuilt import Outcome, rebuilt, shown
from farandole.contexts import Target
from farandole.errors import UsageError
from farandole.operations import AuditTopic, Operation, recorded
from farandole.rebuild import Actor, Rebuilding, demand_read_model
from farandole.rebuild.ground import rebuilding_of
from farandole.selection.bound import Moment, parse_bound

T = TypeVar("T")

app = App(name="rebuild", help="Build a read model's store again from history, and switch its service over to it.")

Service = Annotated[str, Parameter(name="--service", help="The read model that is rebuilt.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of every command of this group."""

    wait: Annotated[float, Parameter(help="Seconds to wait for the service's processes, at most.")] = 60.0
    context: Context = ""
    home: Home = None
    json: Json = False

    @property
    def within(self) -> timedelta:
        """How long is waited, at most."""
        return waited(self.wait)

    def target(self, service: str) -> Target:
        """Return the mesh that is meant. Raises UsageError, also where the service is no read model."""
        named = installed.service(service)
        demand_read_model(named)
        return mesh(self.context, self.home, [named])


@app.default
def rebuild(
    *,
    service: Service,
    begin: Annotated[
        str, Parameter(name="--from", help="Where the history begins: a time with its zone. Else at the logs' start.")
    ] = "",
    keep: Annotated[bool, Parameter(help="Keep the former generation, to go back to.")] = True,
    dry_run: Annotated[bool, Parameter(negative="", help="Show what would be done, and end with 3.")] = False,
    options: Options = Options(),
    acting: Acting = Acting(),  # noqa: B008 - as above
) -> int:
    """Build a new generation of a service's store from history, and switch over once it has caught up.

    The service goes on answering from the old one meanwhile, and changes over between two requests. The same command
    goes on with a rebuild that was interrupted. The former generation is kept for `undo`, until the next rebuild.
    """
    since, target = _moment(begin), options.target(service)

    async def work(rebuilding: Rebuilding) -> int:
        plan = await rebuilding.plan(since)
        say(shown(plan))
        if dry_run:
            if options.json:
                print_json({"plan": asdict(plan)})
            return ExitCode.CHANGES
        target.demand_operator(f"rebuild {service}")
        operation = acting.operation("rebuild", service, needs_reason=not plan.resumes, context=target.context)
        acting.make_sure(
            f"generation {plan.generation} of {service} is built and switched to",
            word=service if target.production else "",
        )

        with progress(f"generation {plan.generation} of {service}", plan.records) as bar:

            def tell(read: int, total: int) -> None:
                bar.meter.total = total
                _advance(bar, read)

            async with (
                AuditTopic(target.connection) as topic,
                recorded(topic, operation, details={"plan": _plain(asdict(plan))}) as receipt,
            ):
                outcome = await rebuilt(rebuilding, plan, _actor(operation), tell=tell, keep=keep, wait=options.within)
                receipt.counts["records"] = outcome.records
                receipt.details.update(_plain(asdict(outcome)))
        _tell(outcome, operation, as_json=options.json)
        return ExitCode.OK

    return asyncio.run(_on(target, service, work))


@app.command
def status(*, service: Service, options: Options = Options()) -> int:
    """Show which generation answers, which are kept, and how far a rebuild is."""

    async def work(rebuilding: Rebuilding) -> int:
        standing = await rebuilding.standing()
        if options.json:
            print_json(asdict(standing))
            return ExitCode.OK
        done = begun = "-"
        if standing.begun_at is not None:
            done = f"{standing.read:,} of {standing.records:,}"
            begun = f"{standing.building} by {standing.begun_by}, {standing.begun_at:%Y-%m-%d %H:%M:%S} UTC"
        row = (
            str(standing.current),
            ", ".join(standing.served_by) or "-",
            ", ".join(map(str, standing.kept)) or "-",
            ", ".join(map(str, standing.leftover)) or "-",
            begun,
            done,
        )
        print_table(service, ("answers", "switched", "kept", "to be dropped", "being built", "read"), [row])
        return ExitCode.OK

    return asyncio.run(_on(options.target(service), service, work))


@app.command
def cancel(
    *,
    service: Service,
    options: Options = Options(),
    acting: Acting = Acting(),  # noqa: B008 - as above
) -> int:
    """End a rebuild before it switches, and remove what it has built. The command that builds ends by itself."""

    async def work(rebuilding: Rebuilding, actor: Actor) -> int:
        number = await rebuilding.cancel(actor)
        await rebuilding.drop(number, actor, within=options.within)
        return number

    return _act("cancel of a rebuild", work, "is ended and removed", service=service, acting=acting, options=options)


@app.command
def undo(
    *,
    service: Service,
    options: Options = Options(),
    acting: Acting = Acting(),  # noqa: B008 - as above
) -> int:
    """Go back to the generation before, while it is kept. It catches up first, and then answers."""

    async def work(rebuilding: Rebuilding, actor: Actor) -> int:
        number = await rebuilding.back()
        await rebuilding.switch(number, actor)
        await rebuilding.served(options.within)
        return number

    return _act("undo of a rebuild", work, "is the current one again", service=service, acting=acting, options=options)


@app.command
def drop(
    *,
    service: Service,
    options: Options = Options(),
    acting: Acting = Acting(),  # noqa: B008 - as above
) -> int:
    """Remove for good every generation that does not answer, with its tables and topics. There is no way back then."""

    async def work(rebuilding: Rebuilding, actor: Actor) -> list[int]:
        numbers = list(await rebuilding.droppable())
        for number in numbers:
            await rebuilding.drop(number, actor, within=options.within)
        return numbers

    return _act("drop of generations", work, "is gone", service=service, acting=acting, options=options)


def _act(
    kind: str,
    work: Callable[[Rebuilding, Actor], Awaitable[int | list[int]]],
    became: str,
    *,
    service: str,
    acting: Acting,
    options: Options,
) -> int:
    target = options.target(service)
    target.demand_operator(kind)
    operation = acting.operation(kind, service, context=target.context)
    acting.make_sure(f"{kind} of {service}", word=service if target.production else "")

    async def recording(rebuilding: Rebuilding) -> int | list[int]:
        async with AuditTopic(target.connection) as topic, recorded(topic, operation) as receipt:
            done = await work(rebuilding, _actor(operation))
            receipt.details["generations"] = done if isinstance(done, list) else [done]
        return done

    done = asyncio.run(_on(target, service, recording))
    numbers = done if isinstance(done, list) else [done]
    if options.json:
        print_json({"operation": operation.id, "service": service, "generations": numbers})
    for number in numbers:
        say(f"generation {number} of {service} {became}")
    if not numbers:
        say(f"{service} has nothing but the generation that answers")
    return ExitCode.OK


async def _on(target: Target, service: str, work: Callable[[Rebuilding], Awaitable[T]]) -> T:
    async with rebuilding_of(installed.service(service), target) as rebuilding:
        return await work(rebuilding)


def _tell(outcome: Outcome, operation: Operation, *, as_json: bool) -> None:
    if as_json:
        print_json({"operation": operation.id, **asdict(outcome)})
    say(str(outcome))


def _advance(bar: Progress, read: int) -> None:
    bar.advance(max(0, read - bar.meter.done))


def _actor(operation: Operation) -> Actor:
    return Actor(operation=operation.id, by=operation.claimed or operation.who, why=operation.why)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    bound = parse_bound(text)
    if not isinstance(bound, Moment):
        raise UsageError(
            "--from takes a time",
            why="an offset is one of one partition, and a store is built from all of them",
            do="--from 2026-11-23T14:00:00Z",
            code="E571",
        )
    return bound.at


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in document.items()}
