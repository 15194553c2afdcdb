"""Scan: reads what is frozen of some topics, and yields the records that are selected."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta

from farandole.engine.ports import Partition
from farandole.kafka.log_reader import TICK, LogReader
from farandole.selection.frozen import Frozen
from farandole.selection.limited import limited
from farandole.selection.reading import Reading
from farandole.selection.request import where_of
from farandole.selection.selected import Selected
from farandole.selection.selection import Selection
from farandole.selection.sieve import Sieve
from farandole.selection.tally import Tally


def scan(
    reader: LogReader,
    frozen: Frozen,
    selection: Selection,
    reading: Reading,
    *,
    pii: bool = True,
    tally: Tally | None = None,
) -> Iterator[list[Selected]]:
    """Yield the selected records in batches: of one partition in the log's order, of several mixed.

    The set, and the order within each partition, are the same each time that a frozen set is read. A batch is empty
    where nothing of what was read is selected. Holds a batch and what the client fetches ahead in memory; with a limit
    also three numbers a record of it, and the records are read twice. ``pii`` says whether ``where`` may ask about
    personal fields: whoever resolved the request has refused it otherwise. ``tally`` is counted on.

    Blocks. Raises BrokerUnavailableError, and UsageError where the expression takes too long.
    """
    where = where_of(selection, reading.catalogue, pii=pii)
    if selection.limit is not None:
        first = Sieve(selection, reading, where=where, tally=Tally())
        frozen = limited(reader, frozen, first.take, selection.limit)
    sieve = Sieve(selection, reading, where=where, tally=tally if tally is not None else Tally())
    return reader.read(frozen.spans, sieve.take)


def follow(
    reader: LogReader,
    starts: Mapping[Partition, int],
    selection: Selection,
    reading: Reading,
    *,
    pii: bool = True,
    tick: timedelta = TICK,
) -> Generator[list[Selected], None, None]:
    """Yield the selected records from these offsets on, for ever, as `scan` does; bounds and limit are not looked at.

    Ends when it is closed. Joins no group and commits nothing.
    """
    where = where_of(selection, reading.catalogue, pii=pii)
    sieve = Sieve(selection, reading, where=where, tally=Tally())
    return reader.follow(starts, sieve.take, tick=tick)
