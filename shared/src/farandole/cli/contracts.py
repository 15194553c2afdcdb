"""``farandole contracts``: the schema folder, the classes generated from it, and what a change would break."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from farandole import contracts
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Json
from farandole.cli.output import print_json, say

app = App(name="contracts", help="Check the schemas; generate the event classes.", result_action="return_value")

Schemas = Annotated[Path, Parameter(name="--schemas", help="The schema folder.")]
Package = Annotated[str, Parameter(name="--package", help="The package that the classes are generated into.")]


@app.command
def check(*, schemas: Schemas = Path("schemas"), package: Package = "farandole_events", json: Json = False) -> int:
    """Lint the schemas, compare the generated classes with them, and check compatibility with every former version."""
    problems = contracts.check(schemas, package=package, consumers=_consumers())
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


def _consumers() -> dict[str, list[str]]:
    """Return the services that read each event type, so that a breaking change can name them."""
    from farandole import installed  # noqa: PLC0415 - importing every service is only paid for here

    readers: dict[str, list[str]] = {}
    try:
        services = installed.services()
    except ImportError as error:
        # A service may name an event whose class is yet to be generated: the check is what says so.
        say(f"the services cannot be imported, so no problem names its readers: {error}")
        return readers
    for service in services:
        for handler in service.handlers:
            readers.setdefault(handler.event.avro.fullname, []).append(service.name)
    return readers
