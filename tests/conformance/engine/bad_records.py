"""Bad records: everything that a stranger may write to a topic, each named, and what must become of it.

The table of docs/explanation/bad-input.md is held to this one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from farandole.engine.ports import Message
from farandole.headers import Headers
from things import Part, Things
from world import message

MEGABYTE = 1_000_000
NOISE = random.Random(0).randbytes(5 * MEGABYTE)


class Becomes(StrEnum):
    """How a record ends."""

    DEAD_LETTER = "a dead letter with the record's own bytes"
    BARE_DEAD_LETTER = "a dead letter that says where the record is"
    HANDLED = "handled"
    DROPPED = "dropped, and counted as conflicting"
    PASSED_OVER = "passed over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of the documented table: what is wrong, how it ends, and the error that a dead letter names.

    ``disbelieved`` is a record whose dead letter has an id made of its place, not the one that it gave itself.
    """

    what: str
    becomes: Becomes
    error: str = ""
    disbelieved: bool = False


NO_PREFIX = Row(
    what="no value, or one that does not begin with `00` and a schema id",
    becomes=Becomes.DEAD_LETTER,
    error="UndecodableError",
)
UNKNOWN = Row(what="a schema id that nobody knows", becomes=Becomes.DEAD_LETTER, error="UnknownSchemaError")
MALFORMED = Row(
    what="bytes that are not, or not all, an event of their schema",
    becomes=Becomes.DEAD_LETTER,
    error="UndecodableError",
)
TOO_MUCH = Row(
    what="a value of more than 1,000,000 bytes",
    becomes=Becomes.DEAD_LETTER,
    error="UndecodableError",
)
TOO_LARGE = Row(
    what="a record larger than a dead letter may be: 1.1 MB with key and headers",
    becomes=Becomes.BARE_DEAD_LETTER,
)
FOREIGN = Row(
    what="bytes of another event type than `ce_type` says",
    becomes=Becomes.DEAD_LETTER,
    error="UndecodableError",
)
HIDDEN = Row(
    what="bytes of an event type that is heard, under the name of one that is not",
    becomes=Becomes.DEAD_LETTER,
    error="UndecodableError",
    disbelieved=True,
)
MISPLACED = Row(
    what="an event type that is heard, on a topic that is not its own",
    becomes=Becomes.DEAD_LETTER,
    error="UndecodableError",
    disbelieved=True,
)
UNHEARD = Row(what="an event type that no handler hears, whatever its bytes are", becomes=Becomes.PASSED_OVER)
NO_ENVELOPE = Row(
    what="an envelope that is missing, in part or whole, or cannot be believed",
    becomes=Becomes.HANDLED,
)
FORGED = Row(what="private headers on a topic that is not the service's own", becomes=Becomes.HANDLED)
FLOOD = Row(what="more than 1,000 headers", becomes=Becomes.HANDLED)
ODD_KEY = Row(what="no key, or one that is no text", becomes=Becomes.HANDLED)
FAR_TIMES = Row(what="any moment from the year 1 to 9999", becomes=Becomes.HANDLED)
LARGE = Row(what="an event of up to 1,000,000 bytes, however many items they hold", becomes=Becomes.HANDLED)
REUSED = Row(what="an id that was seen before, with other content", becomes=Becomes.DROPPED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bad:
    """A bad record, and what must become of it. ``before`` are honest ones that go before it and are handled."""

    name: str
    row: Row
    record: Message
    before: tuple[Message, ...] = ()


def bad_records(mine: Things) -> Sequence[Bad]:
    """Return every bad record, for a service that hears Asked and Noted, each on its topic."""
    return [
        *_without_a_prefix(mine),
        *_malformed(mine),
        *_too_much(mine),
        *_of_a_foreign_type(mine),
        *_with_odd_headers(mine),
        *_with_odd_keys_and_times(mine),
        *_with_a_reused_id(mine),
    ]


def zigzag(number: int) -> bytes:
    """Write a number as Avro does; one wider than 64 bits as well, which Avro would not."""
    left = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def text(written: str) -> bytes:
    """Write a string as Avro does."""
    return zigzag(len(written.encode())) + written.encode()


def good(mine: Things, name: str) -> Message:
    """An honest record; what is bad about a record is put into one of these."""
    honest = message(mine.asked(thing=name, text="x", parts=(Part(name="p", count=3),)), event_id=name)
    return replace(honest, headers=(*honest.headers, ("ce_tenant", b"t"), ("foreign", b"\xff\0"), ("foreign", b"")))


def _value(record: Message) -> bytes:
    assert record.value is not None
    return record.value


def _without_a_prefix(mine: Things) -> Iterator[Bad]:
    whole = _value(good(mine, "whole"))
    values = {
        "null": None,
        "nothing": b"",
        "one byte": b"\x00",
        "a prefix cut short": whole[:4],
        "another magic byte": b"\x01" + whole[1:],
        "json": b'{"thing": "a"}',
        "text": b"hello",
    }
    for name, value in values.items():
        yield Bad(name=name, row=NO_PREFIX, record=replace(good(mine, name), value=value))
    bare = Message(topic=mine.asked.avro.topic, key=None, value=b"hello", headers=())
    yield Bad(name="text without any header", row=NO_PREFIX, record=bare)
    for name, schema_id in {"the last id": b"\xff\xff\xff\xff", "id 0": b"\0\0\0\0"}.items():
        record = good(mine, name)
        yield Bad(name=name, row=UNKNOWN, record=replace(record, value=b"\0" + schema_id + whole[5:]))


def _malformed(mine: Things) -> Iterator[Bad]:
    for name, body in _malformed_bodies().items():
        record = good(mine, name)
        yield Bad(name=name, row=MALFORMED, record=replace(record, value=_value(record)[:5] + body))


def _body(
    *,
    thing: bytes = b"\x02a",
    note: bytes = b"\x00",
    parts: bytes = b"\x00",
    at: bytes = b"\x00",
    size: bytes = b"\x00",
    sure: bytes = b"\x00",
) -> bytes:
    return thing + note + parts + at + size + sure


def _malformed_bodies() -> dict[str, bytes]:
    part = b"\x02p\x06"
    moment = b"\x02"
    return {
        "only a prefix": b"",
        "cut short": _body()[:-1],
        "cut within a string": _body(thing=b"\x08a")[:3],
        "a byte left over": _body() + b"\x00",
        "twice the event": _body() * 2,
        "a string of negative length": _body(thing=b"\x01"),
        "a string longer than the value": _body(thing=zigzag(10**6) + b"a"),
        "a string of 2 to the 62 bytes": _body(thing=zigzag(2**62) + b"a"),
        "a string that is no UTF-8": _body(thing=b"\x04\xff\xfe"),
        "a string with a surrogate": _body(thing=b"\x06\xed\xa0\x80"),
        "five bytes that count ten million items": _body(parts=zigzag(10**7)),
        "a count of 2 to the 62": _body(parts=zigzag(2**62) + part + b"\x00"),
        "a count of 2 to the 63": _body(parts=b"\xff" * 9 + b"\x01" + part + b"\x00"),
        "an item missing": _body(parts=zigzag(2) + part + b"\x00"),
        "no end of the array": b"\x02a\x00" + zigzag(1) + part,
        "a negative count and a wrong size": _body(parts=zigzag(-1) + zigzag(1) + part + b"\x00"),
        "a negative count and a negative size": _body(parts=zigzag(-1) + zigzag(-4) + part + b"\x00"),
        "a negative count and a size beyond the end": _body(parts=zigzag(-1) + zigzag(10**6) + part + b"\x00"),
        "a union's branch -1": _body(at=b"\x01"),
        "a union's branch 2": _body(at=b"\x04"),
        "a union's branch 2 to the 40": _body(at=zigzag(2**40)),
        "a boolean that is 2": _body(sure=b"\x02"),
        "an int of 33 bits": _body(parts=zigzag(1) + b"\x02p" + zigzag(2**31) + b"\x00"),
        "a long of 65 bits": _body(size=zigzag(2**64)),
        "a long of eleven bytes": _body(size=b"\x80" * 10 + b"\x01"),
        "a moment after the year 9999": _body(at=moment + zigzag(253_402_300_800_000)),
        "a moment before the year 1": _body(at=moment + zigzag(-62_135_596_800_001)),
        "the last moment of 64 bits": _body(at=moment + zigzag(2**63 - 1)),
        "the first moment of 64 bits": _body(at=moment + zigzag(-(2**63))),
        "a megabyte of FF": b"\xff" * 900_000,
        "a megabyte of 80": b"\x80" * 900_000,
        "a megabyte of nothing": b"\x00" * 900_000,
        "a megabyte of noise": NOISE[:900_000],
    }


def _too_much(mine: Things) -> Iterator[Bad]:
    name = "a list of four hundred thousand items"
    record = good(mine, name)
    parts = zigzag(400_000) + b"\x00\x00" * 400_000 + b"\x00"
    yield Bad(name=name, row=LARGE, record=replace(record, value=_value(record)[:5] + _body(parts=parts)))
    name = "the same list in blocks of a hundred items"
    record = good(mine, name)
    parts = (zigzag(100) + b"\x00\x00" * 100) * 4_000 + b"\x00"
    yield Bad(name=name, row=LARGE, record=replace(record, value=_value(record)[:5] + _body(parts=parts)))
    name = "a value of a megabyte and a byte"
    record = good(mine, name)
    value = _value(record).ljust(MEGABYTE + 1, b"\0")
    yield Bad(name=name, row=TOO_MUCH, record=replace(record, value=value))
    name = "five megabytes, compressed on the way"
    record = good(mine, name)
    yield Bad(name=name, row=TOO_LARGE, record=replace(record, value=_value(record).ljust(5 * MEGABYTE, b"\0")))
    name = "bad bytes under a key of five megabytes"
    record = good(mine, name)
    yield Bad(name=name, row=TOO_LARGE, record=replace(record, key=b"k" * 5 * MEGABYTE, value=b"bad"))
    name = "bad bytes under a header of five megabytes"
    record = good(mine, name)
    headers = (*record.headers, ("foreign", b"x" * 5 * MEGABYTE))
    yield Bad(name=name, row=TOO_LARGE, record=replace(record, value=b"bad", headers=headers))
    name = "a megabyte of text"
    record = message(mine.asked(thing=name, text="x" * 998_000), event_id=name)
    yield Bad(name=name, row=LARGE, record=record)


def _of_a_foreign_type(mine: Things) -> Iterator[Bad]:
    answered, noted = mine.answered(thing="a"), mine.noted(thing="a")
    name = "bytes of a type that nobody here hears, under the name of one that is heard"
    record = good(mine, name)
    yield Bad(name=name, row=FOREIGN, record=replace(record, value=_value(message(answered))))
    name = "bytes of a type that is heard elsewhere, under the name of one that is heard here"
    record = good(mine, name)
    yield Bad(name=name, row=FOREIGN, record=replace(record, value=_value(message(noted))))
    name = "bytes of a type that is heard, under another name"
    record = good(mine, name)
    yield Bad(name=name, row=HIDDEN, record=_with(record, ce_type=b"farandole.elsewhere.Other"))
    name = "a type that is heard, on the topic of another"
    record = message(noted, event_id=name)
    yield Bad(name=name, row=MISPLACED, record=replace(record, topic=mine.asked.avro.topic))
    name = "a type that is heard, on the topic of another, without any header"
    record = replace(message(noted), topic=mine.asked.avro.topic, headers=())
    yield Bad(name=name, row=MISPLACED, record=record)
    name = "a type that nobody here hears, and no Avro at all"
    record = _with(good(mine, name), ce_type=b"farandole.elsewhere.Other")
    yield Bad(name=name, row=UNHEARD, record=replace(record, value=b"not avro"))
    name = "a type that nobody here hears, by its bytes alone"
    record = replace(message(answered), topic=mine.asked.avro.topic, headers=())
    yield Bad(name=name, row=UNHEARD, record=record)


def _with_odd_headers(mine: Things) -> Iterator[Bad]:
    name = "no headers"
    yield Bad(name=name, row=NO_ENVELOPE, record=replace(good(mine, name), headers=()))
    attributes = {
        "a NUL in the id": {"ce_id": b"a\0b"},
        "an id of a kilobyte": {"ce_id": b"x" * 1_000},
        "an id that is no UTF-8": {"ce_id": b"\xff"},
        "an id with a surrogate": {"ce_id": b"\xed\xa0\x80"},
        "an empty id": {"ce_id": b""},
        "a source that is no UTF-8": {"ce_source": b"\xff"},
        "a source of a kilobyte": {"ce_source": b"s" * 1_000},
        "a type of a megabyte": {"ce_type": b"x" * 900_000},
        "a type that is no UTF-8": {"ce_type": b"\xff"},
        "a flow with a NUL": {"ce_correlationid": b"\0"},
        "causes without end": {"ce_causes": b"," * 500_000},
        "a traceparent that is none": {"traceparent": b"\x00\xff"},
        "a version of another age": {"ce_specversion": b"99"},
    }
    for name, changed in attributes.items():
        yield Bad(name=name, row=NO_ENVELOPE, record=_with(good(mine, name), **changed))
    name = "every header twice"
    record = good(mine, name)
    yield Bad(name=name, row=NO_ENVELOPE, record=replace(record, headers=record.headers * 2))
    name = "headers of null"
    record = good(mine, name)
    nulls: Headers = tuple((one, None) for one, _ in record.headers)  # type: ignore[misc] - as a stranger may
    yield Bad(name=name, row=NO_ENVELOPE, record=replace(record, headers=nulls))
    for name, forged in {"an attempt of 999": b"999", "an attempt of a thousand digits": b"9" * 1_000}.items():
        private = {f"farandole_{one}": forged for one in ("attempt", "round", "due_after_ms", "origin")}
        yield Bad(name=name, row=FORGED, record=_with(good(mine, name), **private))
    name = "a hundred thousand headers"
    record = good(mine, name)
    flood = tuple((f"h{number}", b"") for number in range(100_000))
    yield Bad(name=name, row=FLOOD, record=replace(record, headers=(*flood, *record.headers)))
    name = "the id a hundred thousand times"
    record = good(mine, name)
    yield Bad(name=name, row=FLOOD, record=replace(record, headers=(*record.headers, *[("ce_id", b"")] * 100_000)))


def _with_odd_keys_and_times(mine: Things) -> Iterator[Bad]:
    for name, key in {"no key": None, "an empty key": b"", "a key that is no text": b"\xff" * 400_000}.items():
        yield Bad(name=name, row=ODD_KEY, record=replace(good(mine, name), key=key))
    for name, said in {
        "sent in the year 9999": b"9999-12-31T23:59:59.999-23:59",
        "sent in the year 1": b"0001-01-01T00:00:00+23:59",
        "sent at no moment": b"yesterday",
    }.items():
        yield Bad(name=name, row=FAR_TIMES, record=_with(good(mine, name), ce_time=said))
    for name, at in {
        "about the end of 9999": datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
        "about the begin of the year 1": datetime(1, 1, 1, tzinfo=UTC),
        "about a moment before 1970": datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    }.items():
        yield Bad(name=name, row=FAR_TIMES, record=message(mine.asked(thing=name, at=at), event_id=name))


def _with_a_reused_id(mine: Things) -> Iterator[Bad]:
    name = "an id that an honest event had"
    before = good(mine, name)
    other = message(mine.asked(thing="other"), event_id=name)
    yield Bad(name=name, row=REUSED, record=other, before=(before,))
    name = "an id that an honest event had, with bad bytes"
    before = good(mine, name)
    yield Bad(name=name, row=REUSED, record=replace(before, value=b"bad"), before=(before,))


def _with(record: Message, **headers: bytes) -> Message:
    """Return the record with some headers of its own put in place of, or after, those it has."""
    others = tuple(pair for pair in record.headers if pair[0] not in headers)
    return replace(record, headers=(*others, *headers.items()))
