"""Registering: what ``farandole contracts register`` does and tells."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from farandole.cli.exit_code import ExitCode
from farandole.cli.output import error_line, print_json, print_table, say
from farandole.contracts import LockLine, read_folder, read_lock
from farandole.contracts.generate import LOCK
from farandole.contracts.lock import additions
from farandole.contracts.register import Step, id_map, plan, register
from farandole.errors import ContractError, UsageError
from farandole.registry import check_url, connect
from farandole.settings import Settings


def run(registry: str, *, schemas: Path, ids: Path, dry_run: bool, as_json: bool) -> int:
    """Register, or with ``dry_run`` say what would be; return the exit status. Raises RegistryUnavailableError."""
    settings = Settings()
    url = registry or settings.registry_url
    if not url:
        raise UsageError("no registry is named", do="give --registry URL, or set FARANDOLE_REGISTRY_URL")
    check_url(url)
    try:
        lines = _locked(schemas)
        steps = asyncio.run(_ask(url, settings, lines, dry_run=dry_run))
    except ContractError as refused:
        say(error_line(refused, as_json=as_json))
        return ExitCode.CHECK_FAILED
    if not dry_run:
        id_map(steps).write(ids)
    _show(steps, ids, dry_run=dry_run, as_json=as_json)
    return ExitCode.CHANGES if any(one.id is None for one in steps) else ExitCode.OK


async def _ask(url: str, settings: Settings, lines: Sequence[LockLine], *, dry_run: bool) -> tuple[Step, ...]:
    password = settings.registry_password.get_secret_value()
    async with connect(url, username=settings.registry_username, password=password) as there:
        return await (plan(lines, there) if dry_run else register(lines, there))


def _locked(schemas: Path) -> tuple[LockLine, ...]:
    """Return the lines of the lock. Raises ContractError where it is broken, or older than the schemas."""
    files, broken = read_folder(schemas)
    if broken:
        raise ContractError(f"{broken[0].file}: {broken[0].what}", why=broken[0].why, do=broken[0].do)
    lock = schemas / LOCK
    lines = read_lock(lock.read_text(encoding="utf-8")) if lock.exists() else ()
    if not lines or additions(files, lines):
        raise ContractError(
            f"{lock} does not name every schema",
            why="what is registered is what the lock says, and the schemas are newer",
            do="farandole contracts generate   then register",
            code="E250",
        )
    return lines


def _show(steps: Sequence[Step], ids: Path, *, dry_run: bool, as_json: bool) -> None:
    lacking = [one for one in steps if one.id is None or one.new]
    if as_json:
        print_json({"schemas": steps, "ids": None if dry_run else str(ids)})
        return
    rows = [(one.type, str(one.version), "-" if one.id is None else str(one.id)) for one in lacking]
    if rows:
        print_table("not registered" if dry_run else "registered", ("type", "version", "id"), rows)
    say(f"{len(lacking)} of {len(steps)} schemas {'would be' if dry_run else 'were'} registered")
    if not dry_run:
        say(f"{ids} is the id map: give it to every service as FARANDOLE_REGISTRY_IDS")
