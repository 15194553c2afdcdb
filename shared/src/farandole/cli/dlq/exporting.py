"""``farandole dlq export``: dead letters as JSON lines."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
from cyclopts import Parameter

from farandole import headers as names_of_headers
from farandole.cli.dlq.places import Group, OneService, place
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context
from farandole.cli.output import print_json, say
from farandole.cli.selecting import Selecting
from farandole.delivery import Record
from farandole.desk import (
    Case,
    Desk,
    Standing,
    choice,
    chosen,
    described,
    hidden,
    opened,
    private_texts,
    redacted_unless_unread,
    spans_of,
)
from farandole.desk.redrive_plan import bare
from farandole.errors import UsageError
from farandole.masking import Masking

NOTHING = Selecting()


def export(
    *names: Annotated[str, Parameter(help="Ids of events, coordinates (topic|partition|offset) or fingerprints.")],
    service: OneService = "",
    group: Group = "",
    selecting: Selecting = NOTHING,
    every: Annotated[bool, Parameter(name="--all", negative="", help="Also those that are closed.")] = False,
    pii: Annotated[bool, Parameter(negative="", help="With personal fields and the bytes; for operators.")] = False,
    to: Annotated[Path | None, Parameter(name="--output", help="Into this new file, which only you may read.")] = None,
    home: Home = None,
    context: Context = "",
    json: Json = False,
) -> int:
    """Write the open dead letters of a service as JSON lines, to stdout or a file. Personal fields are masked.

    With --json and --output one document on stdout says how many there are.
    """
    if json and to is None:
        raise UsageError("the lines themselves go to stdout", do="leave --json away, or add --output", code="E555")
    written = asyncio.run(
        _export(names, service, group, selecting, every=every, pii=pii, to=to, home=home, context=context)
    )
    if json:
        print_json({"written": written, "to": str(to)})
    else:
        say(f"{written} dead letters")
    return ExitCode.OK


async def _export(
    names: tuple[str, ...],
    service: str,
    group: str,
    selecting: Selecting,
    *,
    every: bool,
    pii: bool,
    to: Path | None,
    home: Home,
    context: Context,
) -> int:
    where = await place(service, names or ([group] if group else []), home=home, context=context)
    if pii:
        where.target.demand_operator("export personal data")
    async with opened(where) as (desk, board):
        what = choice(names, group, selecting.request(pii=pii), desk)
        cases = await chosen(desk, board, what, pii=pii)
        wanted = [one for one in cases if every or one.standing is Standing.OPEN][: what.limit]
        masking = Masking(desk.personal, pii=pii)
        if to is None:
            return await _write(desk, wanted, masking, sys.stdout.buffer)
        try:
            file = os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            raise UsageError(
                f"{to} cannot be written", why=error.strerror or "", do="name a new file", code="E555"
            ) from error
        with file:
            return await _write(desk, wanted, masking, file)


async def _write(desk: Desk, cases: list[Case], masking: Masking, out: BinaryIO) -> int:
    by_place = {bare(one.letter.coordinates): one for one in cases}
    written = 0
    async for record in desk.reader.records(spans_of(list(by_place))):
        case = by_place.get(bare(record.coordinates))
        if case is not None:
            personal = await _hidden(desk, case, record, masking)
            out.write(msgspec.json.encode(_line(desk, case, record, masking, personal)) + b"\n")
            written += 1
    out.flush()
    return written


async def _hidden(desk: Desk, case: Case, record: Record, masking: Masking) -> Sequence[str] | None:
    """Return what the error may not say: of an edited letter it names what the payload was before."""
    if masking.shows_everything:
        return ()
    values = [record.value]
    if case.letter.is_edited:
        before = [await desk.reader.record(one.coordinates) for one in case.letters]
        values += [one.value for one in before if one is not None]
    return hidden(desk, values)


def _line(
    desk: Desk, case: Case, record: Record, masking: Masking, personal: Sequence[str] | None
) -> Mapping[str, Any]:
    own = private_texts(desk.reader.delivery(record))
    raw = record.value if masking.shows_everything else None

    def said(name: str) -> str:
        return redacted_unless_unread(own.get(name, ""), personal, error_class=case.letter.error_class)

    return {
        "service": desk.service,
        "standing": case.standing.value,
        **described(case.letter),
        "message": said(names_of_headers.ERROR_MESSAGE),
        "stack": said(names_of_headers.ERROR_STACK),
        "payload": masking.payload(record.value, desk.codec),
        **({"value": base64.b64encode(raw).decode()} if raw is not None else {}),
    }
