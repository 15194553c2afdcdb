"""Chosen: exactly which records a plan sends, as offsets; what arrives later can never be among them."""

from __future__ import annotations

import zlib
from base64 import b85decode, b85encode
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from farandole.delivery import Coordinates
from farandole.engine.ports import Partition
from farandole.errors import OperationError
from farandole.kafka.log_reader import Span

MOST_BYTES: Final = 20_000_000
"""Of a plan's offsets, unpacked: ten million records of which no two lie side by side."""

Packed = list[tuple[str, int, list[int]]]
_packer: Final = msgspec.msgpack.Encoder()
_unpacker: Final = msgspec.msgpack.Decoder(Packed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offsets:
    """Offsets of one partition, as spans that ascend and do not touch."""

    spans: tuple[Span, ...]
    _starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", [span.start for span in self.spans])

    def __len__(self) -> int:
        return sum(span.end - span.start for span in self.spans)

    def __contains__(self, offset: int) -> bool:
        found = bisect_right(self._starts, offset) - 1
        return found >= 0 and offset < self.spans[found].end

    @property
    def hull(self) -> Span:
        """The span from the first to the last of them."""
        return Span(start=self.spans[0].start, end=self.spans[-1].end) if self.spans else Span(start=0, end=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The records that a plan sends, by partition."""

    by_partition: Mapping[Partition, Offsets]

    def __len__(self) -> int:
        return sum(len(one) for one in self.by_partition.values())

    def __contains__(self, coordinates: Coordinates) -> bool:
        one = self.by_partition.get(Partition(topic=coordinates.topic, number=coordinates.partition))
        return one is not None and coordinates.offset in one

    @property
    def spans(self) -> Mapping[Partition, Span]:
        """What has to be read to have them all."""
        return {partition: one.hull for partition, one in self.by_partition.items()}

    def packed(self) -> str:
        """Write them as text: a few bytes for a run of offsets, however long."""
        plain: Packed = [
            (partition.topic, partition.number, list(_steps(one.spans)))
            for partition, one in sorted(self.by_partition.items(), key=lambda pair: (pair[0].topic, pair[0].number))
        ]
        return b85encode(zlib.compress(_packer.encode(plain))).decode()

    @classmethod
    def unpacked(cls, text: str) -> Chosen:
        """Read what ``packed`` wrote. Raises OperationError where somebody else wrote it."""
        try:
            plain = _unpacker.decode(_inflated(b85decode(text)))
            return cls._of(plain)
        except (ValueError, zlib.error, msgspec.MsgspecError) as foreign:
            raise OperationError(
                "what the audit topic has of this plan cannot be read",
                why=f"{type(foreign).__name__}: {foreign}",
                do="make a new plan; see who else may write to the audit topic",
                code="E538",
            ) from foreign

    @classmethod
    def _of(cls, plain: Packed) -> Chosen:
        return cls(
            by_partition={
                Partition(topic=topic, number=number): Offsets(spans=tuple(_walked(steps)))
                for topic, number, steps in plain
            }
        )


class Choosing:
    """Collects what is chosen, a partition's offsets in ascending order. Not thread-safe."""

    def __init__(self) -> None:
        self._spans: dict[Partition, list[list[int]]] = {}

    def add(self, coordinates: Coordinates) -> None:
        """Choose a record."""
        spans = self._spans.setdefault(Partition(topic=coordinates.topic, number=coordinates.partition), [])
        if spans and spans[-1][1] == coordinates.offset:
            spans[-1][1] += 1
        else:
            spans.append([coordinates.offset, coordinates.offset + 1])

    def chosen(self) -> Chosen:
        """Return what was chosen so far."""
        return Chosen(
            by_partition={
                partition: Offsets(spans=tuple(Span(start=start, end=end) for start, end in spans))
                for partition, spans in self._spans.items()
            }
        )


def _inflated(packed: bytes) -> bytes:
    """Unpack no more than any plan of ours has: a few bytes may say a gigabyte."""
    inflating = zlib.decompressobj()
    plain = inflating.decompress(packed, MOST_BYTES)
    if inflating.unconsumed_tail or not inflating.eof:
        raise ValueError(f"it is cut off, or has more than {MOST_BYTES:,} bytes")
    return plain


def _steps(spans: Iterable[Span]) -> Iterator[int]:
    """Yield how far it is to the next border, from border to border."""
    at = 0
    for span in spans:
        yield from (span.start - at, span.end - span.start)
        at = span.end


def _walked(steps: list[int]) -> Iterator[Span]:
    at = 0
    for gap, length in zip(steps[::2], steps[1::2], strict=True):
        yield Span(start=at + gap, end=at + gap + length)
        at += gap + length
