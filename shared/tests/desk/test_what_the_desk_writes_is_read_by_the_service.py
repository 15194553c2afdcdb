"""What the desk writes, and what it makes a redrive of, is read back by the service's own intake as what was meant."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from farandole import headers as names
from farandole.dead_letters import Report, private_headers
from farandole.delivery import Coordinates, Delivery, Record, Replay
from farandole.desk.letter import Letter, Mark, read
from farandole.desk.mark_record import edited, mark
from farandole.desk.redrive_plan import Send, sending
from farandole.desk.step import steps
from farandole.engine.intake import Intake
from farandole.engine.ports import Message
from farandole.envelope import Envelope
from farandole.private_topics import AllPrivate
from farandole.schema import Catalogue

DEAD = "s.dlq"
NOW = datetime(2026, 1, 5, tzinfo=UTC)
TOPICS = AllPrivate(service="s", tiers=0)
INTAKE = Intake(service="s", cluster="c", handlers={}, schemas=Catalogue([]), topics=TOPICS)
ENVELOPE = Envelope(id="e1", type="made.up.Placed", source="shop", subject="k", time="t", correlation_id="f1")
REPORT = Report(error_class="ValueError", message="no such thing", stack='  File "a/b.py", line 3, in handle\n    x\n')


def delivered(message: Message, offset: int = 0) -> Delivery:
    """Return what the service makes of a record that lies there."""
    record = Record(
        coordinates=Coordinates(topic=message.topic, partition=0, offset=offset),
        key=message.key,
        value=message.value,
        headers=message.headers,
        appended=NOW + timedelta(seconds=offset),
    )
    admitted = INTAKE.admit(record)
    assert admitted is not None
    return admitted.delivery


def dead(attempt: int = 2, *, replay: Replay | None = None, report: Report = REPORT) -> Delivery:
    """Return a dead letter of that attempt, as the service writes it."""
    first = delivered(Message(topic="orders", key=b"k", value=b"v", headers=(("x", b"1"), *ENVELOPE.headers())), 7)
    failed = replace(first, attempt=attempt, replay=replay)
    headers = private_headers(failed, report, attempt=attempt, handler="handle", version="1")
    return delivered(Message(topic=DEAD, key=b"k", value=b"v", headers=headers))


def letter_of(delivery: Delivery) -> Letter:
    found = read(delivery)
    assert isinstance(found, Letter)
    return found


def test_a_redrive_is_the_letter_as_a_further_attempt_with_its_round():
    found = dead()
    message = sending(found, Send(letter=letter_of(found), attempt=3)).message(
        topic="s.redelivery", partitions=1, operation="op-1"
    )
    again = delivered(message)
    assert (again.attempt, again.round_start, again.operation) == (3, 3, "op-1")
    assert (again.origin, again.envelope, again.record.value) == (found.origin, found.envelope, b"v")
    assert ("x", b"1") in message.headers
    assert names.ERROR_CLASS not in dict(message.headers)


def test_the_letter_of_a_replay_stays_one_of_that_replay():
    replay = Replay(id="r-1", effects=True)
    found = dead(replay=replay)
    again = delivered(
        sending(found, Send(letter=letter_of(found), attempt=3)).message(
            topic="s.redelivery", partitions=1, operation="o"
        )
    )
    assert again.replay == replay
    put_aside = read(delivered(mark(found.record, letter_of(found), discards=True, operation="o")))
    assert put_aside.subject.key == letter_of(found).subject.key != letter_of(dead()).subject.key


def test_a_mark_is_about_its_event_up_to_its_attempt_and_holds_no_payload():
    for discards in (True, False):
        message = mark(dead().record, letter_of(dead()), discards=discards, operation="op-2")
        told = read(delivered(message))
        assert isinstance(told, Mark)
        assert (told.subject, told.attempt, told.discards) == (letter_of(dead()).subject, 2, discards)
        assert (told.operation, message.value) == ("op-2", None)


def test_an_edited_letter_is_the_letter_with_another_payload():
    found = dead()
    message = edited(found.record, letter_of(found), b"mended", operation="op-3")
    told = letter_of(delivered(message, 1))
    assert (told.attempt, told.fingerprint, told.subject) == (2, letter_of(found).fingerprint, letter_of(found).subject)
    assert (told.edited_from, told.operation, message.value) == ("s.dlq|0|0", "op-3", b"mended")
    twice = letter_of(delivered(edited(delivered(message, 1).record, told, b"again", operation="op-4"), 2))
    assert (twice.edited_from, twice.operation) == ("s.dlq|0|1", "op-4")


def test_every_step_is_told_and_a_copy_as_a_copy():
    first, letter = dead(0), letter_of(dead(0))
    failed = delivered(
        Message(
            topic="s.retry.1",
            key=b"k",
            value=b"v",
            headers=private_headers(
                first, REPORT, attempt=1, handler="handle", version="1", delay=timedelta(seconds=1)
            ),
        ),
        1,
    )
    given_up = delivered(Message(topic=DEAD, key=b"k", value=b"v", headers=dead(1).record.headers), 2)
    copy = delivered(Message(topic=DEAD, key=b"k", value=b"v", headers=dead(1).record.headers), 3)
    changed = delivered(edited(given_up.record, letter, b"x", operation="o"), 4)
    sent = delivered(
        sending(changed, Send(letter=letter, attempt=2)).message(topic="s.redelivery", partitions=1, operation="o"), 5
    )
    aside = delivered(mark(given_up.record, letter, discards=True, operation="o"), 6)
    everything = [failed, given_up, copy, changed, sent, aside]
    random.Random(3).shuffle(everything)
    told = [(one.attempt, one.what) for one in steps(everything, dead_letters=DEAD)]
    assert told == [
        (0, "failed"),
        (1, "given up"),
        (1, "given up, published again"),
        (1, "edited"),
        (2, "sent again"),
        (0, "discarded"),
    ]


def test_headers_that_hold_anything_are_read_as_something():
    for noise in (b"", b"\xff\xfe", b"\x1b[31m", b"9" * 5_000, b"\0"):
        private = tuple(
            (name, noise) for name in vars(names).values() if isinstance(name, str) and name.startswith("fara")
        )
        told = read(delivered(Message(topic=DEAD, key=noise, value=noise, headers=(*ENVELOPE.headers(), *private))))
        assert told.attempt == 0
