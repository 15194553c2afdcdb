"""``farandole new``: a service written into this workspace."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Json
from farandole.cli.output import print_json, say
from farandole.errors import OperationError
from farandole.scaffold import Plan, blueprint, find_workspace, plan, write

app = App(name="new", help="Write a new service into this workspace.", result_action="return_value")


@app.command
def service(
    name: str,
    /,
    *,
    hears: Annotated[str, Parameter(help="An event that is there. Without it the service gets one of its own.")] = "",
    emits: Annotated[str, Parameter(help="The event to answer with; by default <Name>Answered.")] = "",
    topic: Annotated[str, Parameter(help="The topic of that event; by default the service's name.")] = "",
    silent: Annotated[bool, Parameter(negative="", help="Answer with nothing.")] = False,
    store: Annotated[
        bool | None, Parameter(help="Give it a database; by default where it asks an outside system.")
    ] = None,
    depends_on: Annotated[str, Parameter(help="An outside system that it asks over HTTP.")] = "",
    install: Annotated[bool, Parameter(help="Install it and write the reference pages anew.")] = True,
    dry_run: Annotated[bool, Parameter(negative="", help="Say what would be written, and write nothing.")] = False,
    json: Json = False,
) -> int:
    """Write a service: package, handler, event, test, README, Dockerfile and chart values, registered and installed.

    It passes `make check test` as it stands. Where a file cannot be written, nothing is. A dry run exits with 3.
    """
    workspace = find_workspace(Path.cwd())
    made = blueprint(
        workspace, name, hears=hears, emits=emits, topic=topic, silent=silent, store=store, depends_on=depends_on
    )
    planned = plan(made, workspace)
    if not dry_run:
        write(planned, workspace.root)
    _show(name, planned, dry_run=dry_run, as_json=json)
    if dry_run:
        return ExitCode.CHANGES
    if install:
        _install(workspace.root)
    if not json:
        say("next: make check, then fill in answering.py" if install else "next: make setup")
    return ExitCode.OK


def _show(name: str, planned: Plan, *, dry_run: bool, as_json: bool) -> None:
    created, changed = sorted(planned.created), sorted(planned.changed)
    if as_json:
        print_json({"service": name, "created": created, "changed": changed, "undo": planned.undo, "dry_run": dry_run})
        return
    say(f"{name} {'would be' if dry_run else 'is'} written: {len(created)} files, {len(changed)} changed")
    for path in created:
        say(f"  + {path}")
    for path in changed:
        say(f"  ~ {path}")
    for command in planned.undo:
        say(f"undo: {command}")


def _install(root: Path) -> None:
    """Install the workspace again, and write the pages that are generated from what is installed."""
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    steps = [[str(uv), "sync", "--frozen", "--all-packages", "--all-groups", "--quiet"]]
    if (root / "docs" / "reference" / "generate").is_dir():
        steps.append([sys.executable, "-m", "docs.reference.generate"])
    for step in steps:
        try:
            done = subprocess.run(step, cwd=root, stdout=sys.stderr, timeout=600, check=False)  # noqa: S603 - own words
            failed = f"it ended with {done.returncode}" if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as broken:
            failed = str(broken)
        if failed:
            raise OperationError(
                "the service is written, and not installed",
                why=f"{' '.join(step)}: {failed}",
                do="make setup   then python -m docs.reference.generate",
                code="E593",
            )
