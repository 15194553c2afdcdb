"""Looking: what the commands that read events have in common: a mesh, a selection, a mask, and a reader that leaves."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from farandole.cli.home import Home
from farandole.cli.mesh import mesh
from farandole.cli.selecting import Selecting
from farandole.kafka.log_reader import LogReader
from farandole.masking import Masking
from farandole.personal import PersonalFields
from farandole.selection import Reading, Selection
from farandole.wire_schemas import catalogue_here

Pii = Annotated[bool, Parameter(name="--pii", negative="", help="Show personal fields; for operators.")]
Lines = Annotated[bool, Parameter(name="--json", negative="", help="JSON lines on stdout, one an event.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Looking:
    """What is looked at, and how."""

    reader: LogReader
    reading: Reading
    selection: Selection
    masking: Masking


def looking(context: str, home: Home, selecting: Selecting, *, pii: bool) -> Looking:
    """Return what a command looks at. Where no topic is named it is every domain topic that the brokers have.

    Raises UsageError, NotPermittedError for a viewer who asks for personal fields, and BrokerUnavailableError.
    """
    target = mesh(context, home)
    catalogue = catalogue_here(target)
    if pii:
        target.demand_operator("show personal fields")
    # A mistake in the words is told before anybody is asked.
    selecting.selection(catalogue, topics=catalogue.topics, pii=pii)
    reader = LogReader(target.connection)
    existing = {one.topic for one in reader.partitions()}
    there = [topic for topic in catalogue.topics if topic in existing] or catalogue.topics
    return Looking(
        reader=reader,
        reading=Reading(catalogue, cluster=asyncio.run(target.cluster_id())),
        selection=selecting.selection(catalogue, topics=there, pii=pii),
        masking=Masking(PersonalFields(catalogue.versions), pii=pii),
    )


@contextmanager
def until_nobody_reads() -> Generator[None]:
    """End quietly at Ctrl-C, and where whoever reads stdout is gone, as ``head`` is."""
    try:
        yield
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # What is left in stdout's buffer would raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
