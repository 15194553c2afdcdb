"""What is personal in an event is masked in whatever the console shows, by the tags of its schema.

An operator may see it, once he has said why; that he asked is in the audit topic before he sees it. A viewer never
does: words that were planted in an event, and in the error of its dead letter, are in no page, no answer of the API
and no line of the log. The brokers are real.
"""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from farandole import Envelope
from farandole.codec import Codec
from farandole.engine.ports import Message
from farandole.errors import BrokerUnavailableError
from farandole.http.refusal import RequestRefusedError
from farandole.kafka.publisher import KafkaPublisher
from farandole.kafka.topics import create, domain_topic
from farandole.operations import AuditTopic, Began, Ended
from farandole.settings import Settings
from farandole.testing import Harness
from farandole.wire_schemas import catalogue_here
from farandole_console.payloads.place import place_of
from farandole_events import CancellationRequested

sys.path.insert(0, str(Path(__file__).parent))

from operators import OTTO, VERA, bearing, connection, console_on

PLANTED = "Zebedee Quillfeather"
CLIENT_ERROR = 400


class Planted:
    """An event that names a person, on a topic of its own, and its dead letter, whose error names him too."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        tag = uuid.uuid4().hex[:8]
        self.event_id = f"e-{tag}"
        self.orders, self.letters = f"orders-{tag}", f"warehouse-{tag}.dlq"
        self.service = f"warehouse-{tag}"
        event = CancellationRequested(order_id="order-7", reason=PLANTED)
        self.value = Codec(catalogue_here(Settings())).encode(event)
        self.envelope = Envelope(
            id=self.event_id,
            type=CancellationRequested.avro.fullname,
            source="orders",
            subject="order-7",
            time="2026-11-23T12:00:00Z",
            correlation_id=self.event_id,
        ).headers()
        own = {
            "attempt": "1",
            "origin": f"{self.orders}|0|0",
            "error_class": "ValueError",
            "error_message": f"nobody called {PLANTED} lives there",
            "error_stack": f"Traceback: nobody called {PLANTED} lives there",
        }
        dead = tuple((f"farandole_{name}", text.encode()) for name, text in own.items())
        self.messages = [
            self._message(self.orders, self.envelope),
            self._message(self.letters, (*self.envelope, *dead)),
        ]

    def _message(self, topic: str, headers) -> Message:
        return Message(topic=topic, key=b"order-7", value=self.value, headers=headers)

    @property
    def pages(self) -> list[str]:
        """Everything that is shown of it, wherever."""
        return [
            *(
                "/",
                "/topology",
                "/services",
                "/breakers",
                "/flows",
                "/flows?key=order-7",
                "/schemas",
                "/jobs",
                "/audit",
            ),
            f"/services/{self.service}",
            f"/flows/{self.event_id}",
            f"/reveal?record={self.orders}|0|0",
            f"/reveal?record={self.letters}|0|0",
            *("/api/flows", f"/api/flows/{self.event_id}", f"/api/events?id={self.event_id}", "/api/happenings"),
            "/api/events/latest",
        ]


@pytest.fixture
async def planted(backend, tmp_path) -> AsyncIterator[Planted]:
    async with console_on(backend, tmp_path) as (harness, gatherer):
        found = Planted(harness)
        mine = connection(backend)
        await create(mine, [domain_topic(name, partitions=1) for name in (found.orders, found.letters)])
        publisher = KafkaPublisher(mine)
        await publisher.publish(found.messages)
        await publisher.close()
        for one, topic in zip(found.messages, ("orders", "warehouse.dlq"), strict=True):
            await harness.deliver_record(replace(one, topic=topic))
        await gatherer.look("kafka", gatherer.look_at_logs)
        yield found


async def test_a_viewer_meets_it_nowhere(planted, caplog, capsys) -> None:
    caplog.set_level(logging.DEBUG)
    for path in planted.pages:
        answer = await planted.harness.http.get(path, headers=bearing(VERA))
        assert answer.status_code < CLIENT_ERROR, path
        for word in PLANTED.split():
            assert word not in answer.text, path
    asked = {"record": f"{planted.orders}|0|0", "reason": "I am curious"}
    refused = await planted.harness.http.post("/reveal", data=asked, headers=bearing(VERA))
    assert (refused.status_code, PLANTED in refused.text) == (403, False)
    logged = caplog.text + "".join(capsys.readouterr())
    assert not any(word in logged for word in PLANTED.split())


async def test_the_mask_stands_where_it_would_be(planted) -> None:
    shown = await planted.harness.http.get(f"/reveal?record={planted.orders}|0|0", headers=bearing(VERA))
    assert "&#34;reason&#34;: &#34;***&#34;" in shown.text
    assert "&#34;order_id&#34;: &#34;order-7&#34;" in shown.text
    assert f"farandole events find --topic {planted.orders} --id {planted.event_id} --pii" in shown.text
    letter = await planted.harness.http.get(f"/reveal?record={planted.letters}|0|0", headers=bearing(VERA))
    assert "nobody called *** *** lives there" in letter.text or "nobody called *** lives there" in letter.text


async def test_an_operator_sees_it_once_he_has_said_why(planted, backend) -> None:
    place = f"{planted.letters}|0|0"
    http = planted.harness.http
    unsaid = await http.post("/reveal", data={"record": place, "reason": ""}, headers=bearing(OTTO))
    assert (unsaid.status_code, PLANTED in unsaid.text) == (400, False)
    shown = await http.post("/reveal", data={"record": place, "reason": "ticket 4711"}, headers=bearing(OTTO))
    assert shown.status_code == 200
    assert shown.text.count(PLANTED) == 3
    assert shown.headers["cache-control"] == "no-store"
    async with AuditTopic(connection(backend)) as topic:
        mine = [one.record for one in await topic.read()]
    began = [one for one in mine if isinstance(one, Began) and one.details.get("record") == place]
    assert [(one.begun.kind, one.begun.service, one.begun.who, one.begun.why) for one in began] == [
        ("reveal", planted.service, "otto", "ticket 4711")
    ]
    assert any(isinstance(one, Ended) and one.operation == began[0].operation for one in mine)
    assert PLANTED not in str(mine)


async def test_where_the_audit_topic_is_away_nothing_is_shown(planted, monkeypatch) -> None:
    async def away(*_: object) -> None:
        raise BrokerUnavailableError("the brokers do not answer")

    monkeypatch.setattr(AuditTopic, "append", away)
    asked = {"record": f"{planted.orders}|0|0", "reason": "ticket 4711"}
    answer = await planted.harness.http.post("/reveal", data=asked, headers=bearing(OTTO))
    assert (answer.status_code, PLANTED in answer.text) == (503, False)


@pytest.mark.parametrize("said", ["", "orders", "orders|0", "__consumer_offsets|0|0", "_x|0|0", "o|-1|0", "o|0|٣"])
def test_what_names_no_record_is_refused(said) -> None:
    with pytest.raises(RequestRefusedError):
        place_of(said)


async def test_a_record_that_is_not_there_is_not_waited_for(planted) -> None:
    for place in (f"{planted.orders}|0|99", f"{planted.orders}|7|0", "no-such-topic|0|0"):
        answer = await planted.harness.http.get(f"/reveal?record={place}", headers=bearing(VERA))
        assert answer.status_code == 404
