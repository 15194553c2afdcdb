"""``farandole contracts``: the schema folder, the classes generated from it, and what a change would break."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from farandole import contracts
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Json
from farandole.cli.output import print_json, say

if TYPE_CHECKING:
    from farandole.topology import Topology

app = App(name="contracts", help="Check the schemas; generate the event classes.", result_action="return_value")

Schemas = Annotated[Path, Parameter(name="--schemas", help="The schema folder.")]
Package = Annotated[str, Parameter(name="--package", help="The package that the classes are generated into.")]


@app.command
def check(*, schemas: Schemas = Path("schemas"), package: Package = "farandole_events", json: Json = False) -> int:
    """Lint the schemas and the choreography, and check compatibility with every former version.

    Also compares the generated classes with the schemas. The choreography is that of the installed services.
    """
    topology = _topology()
    consumers = {} if topology is None else {one.fullname: topology.hearers(one.fullname) for one in topology.events}
    problems = contracts.check(schemas, package=package, consumers=consumers)
    if topology is not None:
        problems += _choreography(topology, schemas)
    if json:
        print_json({"problems": problems, "ok": not problems})
    else:
        for problem in problems:
            say(str(problem))
        say(f"{len(problems)} problems in {schemas}" if problems else f"{schemas}: contracts hold")
    return ExitCode.CHECK_FAILED if problems else ExitCode.OK


@app.command
def generate(*, schemas: Schemas = Path("schemas"), package: Package = "farandole_events") -> int:
    """Give new and changed schemas their ids, and write the event classes."""
    generated = contracts.generate(schemas, package=package)
    say(f"{len(generated.locked)} new ids in {schemas}/ids.lock, {len(generated.written)} files written")
    for path in generated.written:
        say(f"  {path}")
    return ExitCode.OK


@app.command
def register(
    *,
    registry: Annotated[str, Parameter(help="The registry's Confluent API; FARANDOLE_REGISTRY_URL by default.")] = "",
    schemas: Schemas = Path("schemas"),
    ids: Annotated[Path, Parameter(help="The id map to write.")] = Path("registry-ids.json"),
    dry_run: Annotated[bool, Parameter(help="Say what would be registered, and write nothing.", negative=())] = False,
    json: Json = False,
) -> int:
    """Register every schema with a schema registry, and write the id map that services are given.

    The step of a deployment that comes before its services. Exits with 4 where the registry refuses a schema, or the
    lock is not up to date, and with 3 where a dry run finds something to register.
    """
    from farandole.cli import registering  # noqa: PLC0415 - only this command pays for an HTTP client

    return registering.run(registry, schemas=schemas, ids=ids, dry_run=dry_run, as_json=json)


def _topology() -> Topology | None:
    """Return the topology of the installed services; None where they cannot be imported, and says so."""
    from farandole.topology import installed_topology  # noqa: PLC0415 - importing every service is only paid for here

    try:
        return installed_topology()
    except ImportError as error:
        # A service may name an event whose class is yet to be generated: the check is what says so.
        say(f"the services cannot be imported, so no problem names its readers: {error}")
        return None


def _choreography(topology: Topology, schemas: Path) -> list[contracts.Problem]:
    """Return what is wrong with the choreography of these schemas; nothing where no installed service uses one."""
    from farandole import choreography  # noqa: PLC0415 - as above

    files, _ = contracts.read_folder(schemas)
    used = {one.event for one in topology.hearings} | {one.event for one in topology.emissions}
    if not used & {file.fullname for file in files}:
        say("no installed service uses these schemas: the choreography is not checked")
        return []
    return choreography.lint(topology, files)
