"""What a record of any topic tells of an event.

The records are those that the engine and the desk themselves write, so that a change of their headers is noticed here.
A domain topic tells that an event was emitted, whatever private headers somebody put on it. Retry tiers, the redelivery
topic and dead letters tell what became of it, and by whose hand. What an error said is shown as one line, without what
the schema calls personal; where that cannot be told, without what it said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from farandole import headers as names
from farandole.codec import Codec
from farandole.dead_letters import Report, private_headers
from farandole.delivery import Coordinates, Delivery, Record
from farandole.envelope import Envelope
from farandole.event import Event
from farandole.flow.happening import Happening, Kind
from farandole.flow.reading import LONGEST, LONGEST_DELAY, UNREADABLE, HappeningReader
from farandole.operations.sending import Sending
from farandole.schema import Catalogue, EventSchema

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCHEMA = EventSchema(
    id=1,
    name="Seated",
    fullname="hall.Seated",
    topic="hall",
    key="seat",
    version=1,
    avsc={
        "type": "record",
        "name": "Seated",
        "namespace": "hall",
        "fields": [{"name": "seat", "type": "string"}, {"name": "guest", "type": "string", "pii": True}],
    },
)


class Seated(Event, frozen=True, kw_only=True):
    """A guest has a seat."""

    avro = SCHEMA
    seat: str
    guest: str


CATALOGUE = Catalogue([SCHEMA])
VALUE = Codec(CATALOGUE).encode(Seated(seat="4", guest="Maria Anders"))
ENVELOPE = Envelope(
    id="e1", type="hall.Seated", source="ushers", subject="4", time="t", correlation_id="f1", causation_id="e0"
)


def lying(
    topic: str, headers: tuple[tuple[str, bytes], ...], *, value: bytes | None = VALUE, offset: int = 7
) -> Record:
    """Return a record that lies on a topic."""
    at = Coordinates(topic=topic, partition=0, offset=offset)
    return Record(coordinates=at, key=b"4", value=value, headers=headers, appended=AT)


def read(record: Record) -> Happening:
    """Read a record as a console does."""
    return HappeningReader(CATALOGUE, cluster="c").happening(record)


def failed(message: str = "gateway 503", *, delay: timedelta | None = None) -> tuple[tuple[str, bytes], ...]:
    """Return the headers that the engine writes of a delivery that failed."""
    delivery = Delivery(
        record=lying("hall", ENVELOPE.headers(), offset=3),
        envelope=ENVELOPE,
        service="coats",
        origin=Coordinates(topic="hall", partition=0, offset=3),
    )
    report = Report(error_class="GatewayAway", message=message)
    return private_headers(delivery, report, attempt=1, handler="take", version="1", delay=delay)


def beside(headers: tuple[tuple[str, bytes], ...], more: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Return headers with some more."""
    return (*headers, *((name, text.encode()) for name, text in more.items()))


def test_a_domain_topic_tells_that_an_event_was_emitted_and_private_headers_on_it_tell_nothing() -> None:
    forged = {names.ATTEMPT: "9", names.ERROR_CLASS: "Forged", names.DISCARDS: "1", names.OPERATION: "op"}
    told = read(lying("hall", beside(ENVELOPE.headers(), forged)))
    assert (told.kind, told.service, told.flow_id, told.causation_id) == (Kind.EMITTED, "ushers", "f1", "e0")
    assert (told.attempt, told.error_class, told.operation) == (0, "", "")


def test_a_retry_record_tells_who_failed_why_and_when_the_next_attempt_is_due() -> None:
    told = read(lying("coats.retry.1", failed(delay=timedelta(seconds=4))))
    assert (told.kind, told.service, told.attempt, told.handler) == (Kind.RETRY, "coats", 1, "take")
    assert (told.error_class, told.message, told.due) == ("GatewayAway", "gateway 503", AT + timedelta(seconds=4))
    assert (told.origin.topic, told.origin.offset) == ("hall", 3)


def test_a_service_without_tiers_retries_through_its_redelivery_topic() -> None:
    assert read(lying("coats.redelivery", failed(delay=timedelta(seconds=4)))).kind is Kind.RETRY


@pytest.mark.parametrize("delay", ["²", "-1", "9" * 400, "x"])
def test_a_delay_that_is_no_number_is_none(delay: str) -> None:
    assert read(lying("coats.retry.1", ((names.DUE_AFTER_MS, delay.encode()),))).due is None


def test_a_delay_is_never_longer_than_a_retry_record_is_kept() -> None:
    assert read(lying("coats.retry.1", ((names.DUE_AFTER_MS, b"9" * 12),))).due == AT + LONGEST_DELAY


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, Kind.DEAD),
        ({names.EDITED_FROM: "coats.dlq|0|1"}, Kind.EDITED),
        ({names.DISCARDS: "1"}, Kind.DISCARDED),
        ({names.DISCARDS: "0"}, Kind.REOPENED),
    ],
)
def test_the_dead_letter_topic_tells_letters_from_what_operators_wrote_on_it(more: dict[str, str], kind: Kind) -> None:
    told = read(lying("coats.dlq", beside(failed(), more)))
    assert (told.kind, told.service) == (kind, "coats")


@pytest.mark.parametrize(("attempt", "kind"), [(2, Kind.REDRIVEN), (0, Kind.REPLAYED)])
def test_the_redelivery_topic_tells_a_redrive_from_a_replay(attempt: int, kind: Kind) -> None:
    at = Coordinates(topic="hall", partition=0, offset=3)
    sending = Sending(
        record=lying("coats.dlq", ENVELOPE.headers()),
        envelope=ENVELOPE,
        origin=at,
        attempt=attempt,
        first_failed=at if attempt else None,
    )
    message = sending.message(topic="coats.redelivery", partitions=1, operation="op-1")
    told = read(lying("coats.redelivery", message.headers))
    assert (told.kind, told.attempt, told.operation) == (kind, attempt, "op-1")


def test_what_an_error_said_of_a_person_is_masked_and_only_its_first_line_is_told() -> None:
    told = read(lying("coats.dlq", failed("no coat of Maria Anders\nSELECT secret")))
    assert "no coat of" in told.message
    assert "Maria" not in told.message
    assert "SELECT" not in told.message


def test_what_an_error_said_is_not_told_where_nobody_knows_what_of_it_is_personal() -> None:
    told = read(lying("coats.dlq", failed("no coat of Maria Anders"), value=b"\x00garbage"))
    assert told.message == UNREADABLE


def test_no_header_fails_or_fills_what_is_kept() -> None:
    hostile = Envelope(
        id="x" * 200, type="t" * 5000, source="s", subject="k" * 5000, time="t", correlation_id="f" * 5000
    )
    told = read(lying("coats.retry.1", (*hostile.headers(), (names.ERROR_CLASS, b"\xff\x00" * 500)), value=None))
    assert max(map(len, (told.type, told.subject, told.flow_id, told.error_class))) <= LONGEST
    assert told.flow_id == told.event_id
    assert "\x00" not in told.error_class
