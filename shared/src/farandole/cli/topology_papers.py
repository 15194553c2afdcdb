"""Papers of a topology: AsyncAPI documents, to stdout or into a folder, a document a service and one of the mesh."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from farandole import catalogues
from farandole.cli.output import print_json, say
from farandole.errors import UsageError
from farandole.schema import EventSchema
from farandole.topology import Topology
from farandole.topology.asyncapi import Paper, asyncapi

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
MESH: Final = "mesh"


def show_asyncapi(found: Topology, *, service: str, folder: Path | None, on_one_line: bool) -> None:
    """Print the document of a service or of the mesh; with a ``folder`` write it there, and those of all services.

    In a folder they are written as people read them; printed, too, unless they are wanted ``on_one_line``.

    Raises UsageError where a service's name can be no file's, or the folder cannot be written to.
    """
    if folder is None:
        document = _document(found, service)
        if on_one_line:
            print_json(document)
        else:
            sys.stdout.write(_text(document) + "\n")
        return
    wanted = [service] if service else ["", *(one.name for one in found.services)]
    files = [_write(folder, one or MESH, _text(_document(found, one))) for one in wanted]
    say(f"{len(files)} documents in {folder}")
    if on_one_line:
        print_json({"files": [str(one) for one in files]})


def _document(found: Topology, service: str) -> Mapping[str, Any]:
    sheet = found.service(service)
    release = (sheet.version if sheet is not None else "") or version("farandole")
    return asyncapi(
        Paper(topology=found, schemas=_schemas(found), title=service or "The mesh", version=release, only=service)
    )


def _schemas(found: Topology) -> Mapping[str, EventSchema]:
    """Return the schemas of the event types as far as they are installed here, each in the version that is meant."""
    at_hand = {(one.fullname, one.version): one for several in catalogues.discover() for one in several.versions}
    keys = ((one.fullname, one.version) for one in found.events)
    return {key[0]: at_hand[key] for key in keys if key in at_hand}


def _text(document: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _write(folder: Path, name: str, text: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"no file can be named after the service {name!r}",
            why="names of services that announced themselves are anybody's words",
            do="farandole topology --asyncapi --service NAME   for each of the others",
            code="E625",
        )
    file = folder / f"{name}.asyncapi.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written", why=str(error), do="give another folder by --out", code="E626"
        ) from error
    return file
