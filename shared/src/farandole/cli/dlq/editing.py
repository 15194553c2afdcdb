"""``farandole dlq edit``: the payload of a dead letter is changed before it is sent again."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from farandole.cli.acting import Acting
from farandole.cli.dlq.places import OneService, place
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context
from farandole.cli.output import print_json, printable, say
from farandole.desk import as_json, changed, editable, edited, opened
from farandole.errors import UsageError
from farandole.operations import Operation
from farandole.operations.intent import command_line, without_values

NOBODY = Acting()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Changes:
    """How the payload is changed: by assignments, by a file, or, with neither, in an editor."""

    assignments: tuple[str, ...]
    file: Path | None

    def made(self, fields: Any) -> Any:
        """Return the fields as somebody wants them. Raises UsageError."""
        if self.assignments and self.file is not None:
            raise UsageError("--set and --file are two ways of one thing", do="give one of them", code="E553")
        if self.assignments:
            if fields is None:
                raise UsageError(
                    "there are no fields to set",
                    why="the payload cannot be read",
                    do="give the whole with --file",
                    code="E553",
                )
            return changed(fields, self.assignments)
        return _parsed(_in_editor(as_json(fields or {})) if self.file is None else _read(self.file))


def edit(
    name: Annotated[str, Parameter(help="An event's id, or the coordinates of its dead letter.")],
    *,
    assignments: Annotated[
        tuple[str, ...],
        Parameter(name="--set", negative="", help="field=value; may be repeated. a.b is a field of a field."),
    ] = (),
    file: Annotated[Path | None, Parameter(help="A file with the whole payload as JSON; - reads stdin.")] = None,
    service: OneService = "",
    acting: Acting = NOBODY,
    home: Home = None,
    context: Context = "",
    json: Json = False,
) -> int:
    """Change the payload of a dead letter; without --set and --file in $EDITOR. The original is kept.

    It is held against the schema that wrote it, and against what the service reads. The edited letter is what
    `farandole dlq redrive` sends; nothing is sent by the edit itself.
    """
    changes = _Changes(assignments=assignments, file=file)
    return asyncio.run(_edit(name, changes, service, acting, home=home, context=context, json=json))


async def _edit(
    name: str, changes: _Changes, service: str, acting: Acting, *, home: Home, context: Context, json: bool
) -> int:
    where = await place(service, [name], home=home, context=context)
    where.demand_installed()
    where.target.demand_operator("edit dead letters")
    operation = without_set(acting.operation("edit", where.name, context=where.target.context))
    async with opened(where) as (desk, board):
        edit = await editable(desk, board, name)
        value = edit.value(changes.made(edit.fields))
        acting.make_sure(f"replace the payload of {name}", word=where.name if where.target.production else "")
        await edited(where, desk, operation, edit, value)
    if json:
        print_json({"operation": operation.id, "service": where.name, **edit.document(), "bytes": len(value)})
    else:
        say(f"edit {operation.id}: the original stays at {edit.document()['edited_from']}")
        event = shlex.quote(printable(edit.case.letter.subject.event_id))
        say(f'next: farandole dlq redrive {event} --service {where.name} --reason "…"')
    return ExitCode.OK


def without_set(operation: Operation) -> Operation:
    """Return the operation without what was set: a value may be personal, and the audit topic keeps it for ever."""
    return replace(operation, command=command_line(without_values(sys.argv)))


def _in_editor(text: str) -> bytes:
    """Return the text as an editor left it. Raises UsageError where there is none, or it fails."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not editor or not sys.stdin.isatty():
        raise UsageError(
            "there is no editor to open",
            why="neither VISUAL nor EDITOR is set" if not editor else "nobody is here to use it",
            do="set EDITOR, or give --set field=value or --file payload.json",
            code="E553",
        )
    # In a folder that only this user may read: a payload may be personal.
    with tempfile.TemporaryDirectory(prefix="farandole-") as folder:
        path = Path(folder) / "payload.json"
        path.write_text(text, encoding="utf-8")
        ended = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 - the user's own editor
        if ended.returncode:
            raise UsageError(f"{editor} ended with {ended.returncode}; nothing was done", code="E553")
        return path.read_bytes()


def _read(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read", why=error.strerror or "", do="name another file", code="E553"
        ) from error


def _parsed(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError("this is no JSON", why=str(error), do="correct it; nothing was done", code="E553") from error
