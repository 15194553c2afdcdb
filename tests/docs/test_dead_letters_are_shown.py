"""The how-to's reader of dead letters reads those that the engine writes, from a real broker."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from doc_pages import ROOT, fences
from farandole import Codec, Coordinates, Delivery, Envelope, Reject
from farandole.dead_letters import Report, private_headers
from farandole.delivery import Record
from farandole.testing.backend import Backend
from farandole_events import CATALOGUE, PaymentDeclined

PAGE = ROOT / "docs/howto/look-at-a-dead-letter.md"
SERVICE = "docs-shown"


def reader() -> ModuleType:
    module = ModuleType("look_at_a_dead_letter")
    exec(next(fences(PAGE, "python")).text, module.__dict__)
    return module


@pytest.mark.mesh
def test_a_dead_letter_is_shown_with_its_reason_and_its_event(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    topic = f"{SERVICE}.dlq"
    admin = AdminClient({"bootstrap.servers": backend.bootstrap})
    for made in admin.create_topics([NewTopic(topic, 1, 1)]).values():
        made.result(30)
    event = PaymentDeclined(order_id="10248", reason="the card has expired")
    delivery = rejected(event)
    report = Report.of(Reject("nobody here knows this order"), "nobody here knows this order")
    headers = private_headers(delivery, report, attempt=2, handler="listen", version="1.2.3")
    producer = Producer({"bootstrap.servers": backend.bootstrap})
    producer.produce(topic, key=event.key, value=delivery.record.value, headers=list(headers))
    assert producer.flush(30) == 0
    monkeypatch.chdir(ROOT)
    reader().dead_letters(backend.bootstrap, SERVICE)
    said = capsys.readouterr().out
    assert "farandole.payments.PaymentDeclined declined-10248 flow placed-10248" in said
    assert "first failed at payments|3|41 attempts 3" in said
    assert "in listen Reject" in said
    assert "because nobody here knows this order" in said
    assert "the card has expired" in said


def rejected(event: PaymentDeclined) -> Delivery:
    envelope = Envelope(
        id="declined-10248",
        type=event.avro.fullname,
        source="payments",
        subject=event.key,
        time="2026-01-05T00:00:00.000Z",
        correlation_id="placed-10248",
    )
    here = Coordinates(topic="payments", partition=3, offset=41)
    record = Record(
        coordinates=here,
        key=event.key.encode(),
        value=Codec(CATALOGUE).encode(event),
        headers=envelope.headers(),
        appended=datetime.now(UTC),
    )
    return Delivery(record=record, envelope=envelope, service=SERVICE, attempt=2, origin=here)


def test_the_how_to_names_every_error_that_a_dead_letter_of_the_library_can_carry():
    text = Path(PAGE).read_text("utf-8")
    for name in (
        "UndecodableError",
        "UnknownSchemaError",
        "OversizeError",
        "ContractError",
        "Reject",
        "Retry",
        "Unknown",
    ):
        assert f"`{name}`" in text
