"""Scan: reads what is frozen of some topics, and yields the records that are selected."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta

from farandole.engine.ports import Partition
from farandole.kafka.log_reader import TICK, LogReader
from farandole.selection.first import First
from farandole.selection.frozen import Frozen
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
    where nothing of what was read is selected. Holds a batch and what the client fetches ahead in memory.

    With a limit the records come in the order in which they are counted, in one batch, as long as they all together
    take little memory; else three numbers of each are held, and the records are read a second time. ``pii`` says
    whether ``where`` may ask about personal fields: whoever resolved the request has refused it otherwise. ``tally``
    is counted on.

    Blocks. Raises BrokerUnavailableError, and UsageError where the expression takes too long.
    """
    where = where_of(selection, reading.catalogue, pii=pii)
    tally = Tally() if tally is None else tally
    if selection.limit is not None:
        counted = Tally()
        first = First(frozen, Sieve(selection, reading, where=where, tally=counted).take, selection.limit)
        first.read(reader)
        if first.kept is not None:
            tally.add(counted, selected=len(first.kept))
            return iter([first.kept])
        frozen = frozen.until(first.ends)
    return reader.read(frozen.spans, Sieve(selection, reading, where=where, tally=tally).take)


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
