"""Whatever the bytes are, decoding gives an event or says that it is none: no crash, no hang, no memory bomb."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import textwrap
from datetime import UTC, datetime

import pytest
from farandole.codec import Codec
from farandole.errors import ContractError, UndecodableError, UnknownSchemaError
from farandole_events import (
    CATALOGUE,
    Address,
    InvoiceIssued,
    OrderCancelled,
    OrderLine,
    OrderPlaced,
    StockLine,
    StockReleased,
)
from hypothesis import given, settings
from hypothesis import strategies as st

CODEC = Codec(CATALOGUE)
RELEASED = StockReleased(order_id="o", reservation_id="r", lines=(StockLine(product_id="p", quantity=3),))
PREFIX = b"\x00" + StockReleased.avro.id.to_bytes(4, "big")
HEAD = PREFIX + b"\x02o\x02r"
LINE = b"\x02p\x06"
ORDER = OrderPlaced(
    order_id="o-1",
    customer_id="VINET",
    reference="10248",
    order_date=datetime(2026, 1, 1, tzinfo=UTC),
    required_date=None,
    lines=(OrderLine(product_id="11", product_name="Queso", quantity=2, unit_price_cents=100, total_cents=200),),
    total_cents=200,
    currency="USD",
    ship_to=Address(name="Vins", street="59 rue", city="Reims", region=None, postal_code="51100", country="France"),
    carrier="3",
    payment_token="tok",
)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number: int) -> bytes:
    return varint((number << 1) ^ (number >> 63) if number < 0 else number << 1)


def test_the_bytes_that_these_tests_break_are_right() -> None:
    assert CODEC.encode(RELEASED) == HEAD + b"\x02" + LINE + b"\x00"


MALFORMED = {
    "nothing": b"",
    "a tombstone": None,
    "one byte": b"\x00",
    "only a prefix": PREFIX,
    "a prefix cut short": PREFIX[:4],
    "another magic byte": b"\x01" + HEAD[1:] + b"\x02" + LINE + b"\x00",
    "json": b'{"order_id": "o"}',
    "a byte left over": HEAD + b"\x02" + LINE + b"\x00\x00",
    "no end of the array": HEAD + b"\x02" + LINE,
    "an item missing": HEAD + b"\x04" + LINE + b"\x00",
    "a count of ten million": HEAD + zigzag(10_000_000) + LINE + b"\x00",
    "a count of 2 to the 63": HEAD + b"\xff" * 9 + b"\x01" + LINE + b"\x00",
    "a block longer than the value": HEAD + zigzag(-1) + zigzag(1000) + LINE + b"\x00",
    "a block of another size than it says": HEAD + zigzag(-1) + zigzag(len(LINE) - 1) + LINE + b"\x00",
    "a block of negative size": HEAD + zigzag(-1) + zigzag(-4) + LINE + b"\x00",
    "a string of negative length": PREFIX + b"\x01" + b"\x02r" + b"\x00",
    "a string longer than the value": PREFIX + zigzag(1_000_000) + b"o",
    "a string of 2 to the 62 bytes": PREFIX + zigzag(2**62) + b"o",
    "a number of eleven bytes": HEAD + b"\x02" + b"\x02p" + b"\x80" * 10 + b"\x01" + b"\x00",
    "a number wider than 64 bits": PREFIX + b"\xff" * 9 + b"\x7f",
    "an int wider than 32 bits": HEAD + b"\x02" + b"\x02p" + zigzag(2**31) + b"\x00",
    "text that is no utf-8": PREFIX + b"\x02\xff" + b"\x02r\x00",
    "text with a surrogate": PREFIX + b"\x06\xed\xa0\x80" + b"\x02r\x00",
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_bytes_are_undecodable(value: bytes) -> None:
    with pytest.raises(UndecodableError) as refused:
        CODEC.decode(value, StockReleased)
    assert refused.value.why
    assert refused.value.do
    with pytest.raises(UndecodableError):
        CODEC.decode_any(value)


def test_a_block_that_states_its_size_is_well_formed() -> None:
    sized = HEAD + zigzag(-1) + zigzag(len(LINE)) + LINE + b"\x00"
    assert CODEC.decode(sized, StockReleased) == RELEASED


def test_a_union_has_no_branch_below_zero_or_above_its_last() -> None:
    good = CODEC.encode(ORDER)
    at = good.index(b"Reims") + len(b"Reims")
    assert good[at] == 0, "the region is absent"
    for index in (b"\x01", b"\x03", b"\x04", b"\x80\x01", zigzag(2**40)):
        with pytest.raises(UndecodableError):
            CODEC.decode(good[:at] + index + good[at + 1 :], OrderPlaced)


INVOICE = InvoiceIssued(
    order_id="o",
    invoice_number=1,
    customer_id="c",
    total_cents=1,
    currency="USD",
    paid=True,
    issued_at=datetime(1970, 1, 1, tzinfo=UTC),
)


def test_a_long_has_64_bits() -> None:
    good = CODEC.encode(INVOICE)
    at = 5 + len(b"\x02o")
    assert good[at : at + 1] == zigzag(1)
    widest = CODEC.decode(good[:at] + b"\xff" * 9 + b"\x01" + good[at + 1 :], InvoiceIssued)
    assert widest.invoice_number == -(2**63)
    with pytest.raises(UndecodableError):
        CODEC.decode(good[:at] + b"\xff" * 9 + b"\x03" + good[at + 1 :], InvoiceIssued)


def test_a_boolean_is_zero_or_one() -> None:
    good = CODEC.encode(INVOICE)
    assert good[-2:] == b"\x01\x00"
    with pytest.raises(UndecodableError):
        CODEC.decode(good[:-2] + b"\x02\x00", InvoiceIssued)


def test_a_moment_beyond_the_calendar_is_undecodable() -> None:
    good = CODEC.encode(ORDER)
    date = zigzag(1_767_225_600_000)
    assert good.count(date) == 1
    with pytest.raises(UndecodableError):
        CODEC.decode(good.replace(date, zigzag(2**62)), OrderPlaced)


def test_another_event_type_is_undecodable_and_both_are_named() -> None:
    with pytest.raises(UndecodableError) as refused:
        CODEC.decode(CODEC.encode(RELEASED), OrderCancelled)
    assert "OrderCancelled" in str(refused.value)
    assert "farandole.reservations.StockReleased" in str(refused.value)


def test_a_value_longer_than_the_mesh_takes_is_refused_before_it_is_read() -> None:
    good = CODEC.encode(RELEASED)
    assert Codec(CATALOGUE, max_bytes=len(good)).decode(good, StockReleased) == RELEASED
    with pytest.raises(UndecodableError, match=f"{len(good)} bytes"):
        Codec(CATALOGUE, max_bytes=len(good) - 1).decode(good, StockReleased)


def test_every_truncation_of_a_value_is_undecodable() -> None:
    good = CODEC.encode(ORDER)
    for end in range(len(good)):
        with pytest.raises(UndecodableError):
            CODEC.decode(good[:end], OrderPlaced)


def test_ten_thousand_mutations_give_an_event_or_a_refusal_and_nothing_else() -> None:
    good = CODEC.encode(ORDER)
    dice = random.Random(20261123)
    decoded = 0
    for _ in range(10_000):
        value = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            value[dice.randrange(1, len(value))] = dice.choice((0, 1, 2, 3, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        try:
            event = CODEC.decode(bytes(value), OrderPlaced)
        except (UndecodableError, UnknownSchemaError):
            continue
        decoded += 1
        assert CODEC.decode(CODEC.encode(event), OrderPlaced) == event
    assert 0 < decoded < 10_000


@settings(derandomize=True, max_examples=300, deadline=None, database=None)
@given(schema_id=st.integers(1, 28), body=st.binary(max_size=300))
def test_any_bytes_under_a_known_id_give_fields_or_a_refusal(schema_id: int, body: bytes) -> None:
    try:
        schema, fields = CODEC.decode_any(b"\x00" + struct.pack(">I", schema_id) + body)
    except UndecodableError:
        return
    assert list(fields) == [field["name"] for field in schema.avsc["fields"]]


@settings(derandomize=True, max_examples=300, deadline=None, database=None)
@given(value=st.binary(max_size=300))
def test_any_bytes_at_all_give_fields_or_a_contract_error(value: bytes) -> None:
    try:
        CODEC.decode_any(value)
    except ContractError as error:
        refused = error
    else:
        return
    assert refused.do


HOSTILE = """
    import resource
    from farandole.codec import Codec
    from farandole.errors import UndecodableError
    from farandole_events import CATALOGUE, OrderPlaced, StockReleased

    codec = Codec(CATALOGUE)

    def varint(n):
        out = bytearray()
        while n > 0x7F:
            out.append(n & 0x7F | 0x80)
            n >>= 7
        return bytes(out + bytes([n]))

    def value(kind, body):
        return b"\\x00" + kind.avro.id.to_bytes(4, "big") + body

    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 64_000_000, -1))
    head = b"\\x02o\\x02r"
    bombs = [head + varint(count << 1) for count in (10**7, 2**31, 2**40, 2**62)]
    bombs += [head + varint((count << 1) - 1) + b"\\x00" for count in (10**7, 2**62)]
    bombs += [varint(length << 1) for length in (10**9, 2**40, 2**62)]
    bombs += [head + varint(990_000 << 1) + b"\\x00" * 990_000]
    bombs += [b"\\xff" * 999_000, b"\\x80" * 999_000, b"\\x00" * 999_000]
    for bomb in bombs:
        for kind in (StockReleased, OrderPlaced):
            for decode in (lambda v, k: codec.decode(v, k), lambda v, k: codec.decode_any(v)):
                try:
                    decode(value(kind, bomb), kind)
                except UndecodableError as refused:
                    if isinstance(refused.__cause__, MemoryError):
                        raise SystemExit(f"out of memory on {bomb[:20]!r}")
                else:
                    raise SystemExit(f"decoded {bomb[:20]!r}")
    print("refused", len(bombs))

    longest = value(StockReleased, head + varint(499_990 << 1) + b"\\x00" * 999_981)
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 128_000_000, -1))
    print("lines", len(codec.decode(longest, StockReleased).lines))
"""


def test_bombs_are_refused_in_64_megabytes_and_the_longest_list_of_a_megabyte_takes_less_than_128() -> None:
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HOSTILE)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout.strip()) == (0, "refused 13\nlines 499990"), run.stdout + run.stderr
