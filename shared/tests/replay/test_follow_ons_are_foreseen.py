"""The follow-ons of a run are foreseen as those of the last time: by the inbox, the topics, or the signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from farandole import Service
from farandole.envelope import Envelope
from farandole.event import Event
from farandole.follow_on import FollowOn
from farandole.handler import Handler
from farandole.identity import follow_on_id, replayed_id
from farandole.replay.counts import Foreseen
from farandole.replay.emitted import Emitted
from farandole.replay.foreseeing import Foreseeing
from farandole.replay.mode import Mode
from farandole.schema import EventSchema
from farandole.store.entry import StoredFollowOn
from sqlalchemy import MetaData


def _schema(number: int, name: str) -> EventSchema:
    record = {"type": "record", "name": name, "namespace": "t", "key": "k", "fields": [{"name": "k", "type": "string"}]}
    return EventSchema(id=number, name=name, fullname=f"t.{name}", topic="t", key="k", version=1, avsc=record)


class Cause(Event, frozen=True, kw_only=True):
    avro: ClassVar[EventSchema] = _schema(930_001, "Cause")
    k: str


class Answer(Event, frozen=True, kw_only=True):
    avro: ClassVar[EventSchema] = _schema(930_002, "Answer")
    k: str


def handler(returns: object) -> Handler:
    service = Service("s", tables=MetaData())

    async def answer(event: Cause) -> None:
        """Answer."""

    answer.__annotations__["return"] = returns
    service.on(Cause)(answer)
    return service.handlers[0]


ONE, TWO, PERHAPS, JOINED = (
    handler(Answer),
    handler(tuple[Answer, Answer]),
    handler(Answer | None),
    handler(FollowOn[Answer]),
)
ID = follow_on_id(cause="c", service="s", event_type="t.Answer", ordinal=0)
STORED = StoredFollowOn(event_id=ID, type="t.Answer", topic="t", key=None, headers=(), value=None)


class Topics:
    def __init__(self, *ids: str, answers: Mapping[str, int] | None = None) -> None:
        self._ids = ids
        self._answers = answers or {}

    def has(self, event_id: str) -> bool:
        return event_id in self._ids

    def answers(self, _event_id: str) -> Mapping[str, int]:
        return self._answers


def foreseen(
    one: Handler,
    kept: Sequence[StoredFollowOn] | None = None,
    *,
    mode: Mode = Mode.MISSING,
    cascade: bool = False,
    topics: Topics | None = None,
) -> Foreseeing:
    foreseeing = Foreseeing(service="s", mode=mode, cascade=cascade, topics=topics or Topics())
    foreseeing.take(one, "c", kept)
    return foreseeing


def test_the_inbox_knows_best() -> None:
    (found,) = foreseen(TWO, [STORED]).foreseen()
    assert found == Foreseen(type="t.Answer", count=1, new=1, from_inbox=1)


def test_an_inbox_that_kept_nothing_means_that_nothing_was_emitted() -> None:
    foreseeing = foreseen(ONE, [])
    assert foreseeing.foreseen() == ()
    assert foreseeing.unforeseen == 0


def test_without_a_row_the_topics_tell() -> None:
    (found,) = foreseen(PERHAPS, topics=Topics(answers={"t.Answer": 3}), mode=Mode.AGAIN).foreseen()
    assert found == Foreseen(type="t.Answer", count=3, from_topics=3)


def test_a_signature_with_one_answer_tells_how_many() -> None:
    (found,) = foreseen(TWO).foreseen()
    assert found == Foreseen(type="t.Answer", count=2, new=2, from_signature=2)


def test_what_may_differ_and_was_never_seen_is_not_guessed() -> None:
    foreseeing = foreseen(PERHAPS)
    assert (foreseeing.foreseen(), foreseeing.unforeseen) == ((), 1)


def test_what_lies_on_its_topic_already_is_not_new() -> None:
    assert foreseen(ONE, topics=Topics(ID)).foreseen()[0].new == 0
    assert foreseen(ONE, [STORED], topics=Topics(ID)).foreseen()[0].new == 0


def test_a_join_has_an_id_that_nobody_can_tell_before() -> None:
    assert foreseen(JOINED, topics=Topics(ID)).foreseen()[0].new == 1


def test_again_brings_nothing_new_and_with_a_cascade_everything() -> None:
    assert foreseen(ONE, [STORED], mode=Mode.AGAIN).foreseen()[0].new == 0
    assert foreseen(ONE, [STORED], mode=Mode.AGAIN, cascade=True, topics=Topics(ID)).foreseen()[0].new == 1


def test_a_single_run_is_a_count_too_and_no_truth() -> None:
    for mode in Mode:
        (found,) = foreseen(ONE, [STORED], mode=mode, topics=Topics(ID)).foreseen()
        assert type(found.new) is int  # a bool equals it, and a plan that holds one cannot be read again


def test_what_was_emitted_is_counted_once_by_the_event_that_was_handled_then() -> None:
    with Emitted("s") as emitted:
        envelopes = [_answer("1", "c"), _answer("1", "c"), _answer("2", "c"), _answer("3", "other", causes=("c",))]
        emitted.note([*envelopes, _answer("4", "c", source="stranger")])
        assert emitted.answers("c") == {"t.Answer": 2}
        assert emitted.has("3")
        assert not emitted.has("4")


def test_what_a_cascade_added_is_not_what_the_handler_answers() -> None:
    with Emitted("s") as emitted:
        second = follow_on_id(cause="c", service="s", event_type="t.Answer", ordinal=1)
        emitted.note([_answer(ID, "c"), _answer(second, "c"), _answer(replayed_id(ID, replay_id="r"), "c")])
        assert emitted.answers("c") == {"t.Answer": 2}


def _answer(event_id: str, cause: str, *, source: str = "s", causes: tuple[str, ...] = ()) -> Envelope:
    return Envelope(
        id=event_id,
        type="t.Answer",
        source=source,
        subject="k",
        time="",
        correlation_id="",
        causation_id=cause,
        causes=causes,
    )
