"""What the engine promises of every delivery, held by the in-memory harness and by a real Kafka and Redis alike.

At-least-once transport, a ledger that decides which delivery counts, an inbox in the service's own transaction: each
test breaks one link of that chain, or sends what no honest producer would, and looks from outside at what came of it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from farandole import Backoff, Delivery, FollowOn, Outbox, Reject, Retry, Service, Store, UnitOfWork
from farandole.engine.ports import Message
from farandole.identity import follow_on_id
from sqlalchemy import Column, MetaData, String, Table, select
from things import Answered, Asked, Noted, Things
from world import message, origin_of

QUICK = Backoff(first=timedelta(milliseconds=40), factor=2, attempts=3)


def tables() -> tuple[MetaData, Table]:
    metadata = MetaData()
    return metadata, Table("effects", metadata, Column("thing", String, primary_key=True), Column("text", String))


class Author:
    """A handler's author: counts runs by thing, and fails as often as it is told to."""

    def __init__(self, *, failures: int = 0, error: Exception | None = None) -> None:
        self.runs: Counter[str] = Counter()
        self.attempts: list[int] = []
        self.order: list[str] = []
        self._failures = failures
        self._error = error or ValueError("not yet")

    def ran(self, asked: Asked, attempt: int = 0) -> None:
        self.runs[asked.thing] += 1
        self.attempts.append(attempt)
        self.order.append(f"{asked.thing}:{asked.text}")
        if self.runs[asked.thing] <= self._failures:
            raise self._error


def plain(mine: Things, author: Author, *, retry: Backoff = QUICK) -> Service:
    """A service without a store that answers each question once."""
    service = Service(mine.tag)
    asked, answered = mine.asked, mine.answered

    async def answer(question, delivery):
        author.ran(question, delivery.attempt)
        return answered(thing=question.thing, text=question.text)

    answer.__annotations__ = {"question": asked, "delivery": Delivery, "return": answered}
    service.on(asked, retry=retry)(answer)
    return service


def stored(mine: Things, author: Author, *, retry: Backoff = QUICK, timeout: float = 30) -> Service:
    """A service with a store: one effect a thing, and an answer."""
    metadata, effects = tables()
    service = Service(mine.tag, tables=metadata)
    asked, answered = mine.asked, mine.answered

    async def answer(question, delivery, work):
        author.ran(question, delivery.attempt)
        await work.execute(effects.insert().values(thing=question.thing, text=question.text))
        return answered(thing=question.thing, text=question.text)

    answer.__annotations__ = {"question": asked, "delivery": Delivery, "work": UnitOfWork, "return": answered}
    service.on(asked, retry=retry, timeout=timedelta(seconds=timeout))(answer)
    return service


KINDS = pytest.mark.parametrize("kind", [plain, stored], ids=["without a store", "with a store"])


@KINDS
async def test_an_event_is_answered_once_with_an_id_derived_from_its_own(run, mine, kind):
    author = Author()
    world = run(kind(mine, author))
    await world.start()
    await world.send(message(mine.asked(thing="a"), event_id="e-1", flow="f-1"))
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    (seen,) = world.read(mine.answered.avro.topic)
    expected = follow_on_id(cause="e-1", service=mine.tag, event_type=mine.answered.avro.fullname, ordinal=0)
    assert seen.headers["ce_id"] == expected
    assert seen.headers["ce_causationid"] == "e-1"
    assert seen.headers["ce_correlationid"] == "f-1"
    assert seen.headers["ce_source"] == mine.tag
    assert not any(name.startswith("farandole_") for name in seen.headers)
    assert author.runs == {"a": 1}


@KINDS
async def test_the_same_event_sent_three_times_is_handled_once(run, mine, kind):
    author = Author()
    world = run(kind(mine, author))
    await world.start()
    sent = message(mine.asked(thing="a"))
    await world.send(sent, sent)
    await world.until(lambda: world.lag() == 0)
    await world.send(sent)
    await world.until(lambda: world.lag() == 0 and len(world.read(mine.answered.avro.topic)) == 1)
    assert author.runs == {"a": 1}


@KINDS
async def test_a_failure_is_tried_again_through_the_retry_tiers(run, mine, kind):
    author = Author(failures=2)
    world = run(kind(mine, author))
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    assert author.attempts == [0, 1, 2]
    assert len(world.read(f"{mine.tag}.retry.1")) == 1
    assert len(world.read(f"{mine.tag}.retry.2")) == 1
    assert world.read(f"{mine.tag}.dlq") == []


@KINDS
async def test_a_failure_that_lasts_becomes_a_dead_letter_that_keeps_everything(run, mine, kind):
    author = Author(failures=99)
    world = run(kind(mine, author))
    await world.start()
    sent = message(mine.asked(thing="a", text="why"), event_id="e-1")
    await world.send(sent)
    await world.until(lambda: len(world.read(f"{mine.tag}.dlq")) == 1)
    (dead,) = world.read(f"{mine.tag}.dlq")
    assert (dead.key, dead.value) == (sent.key, sent.value)
    assert dead.headers["ce_id"] == "e-1"
    assert dead.headers["farandole_attempt"] == "2"
    assert dead.headers["farandole_error_class"] == "ValueError"
    assert "not yet" in dead.headers["farandole_error_message"]
    assert "in ran" in dead.headers["farandole_error_stack"]
    assert dead.headers["farandole_handler"] == "answer"
    assert origin_of(dead).topic == mine.asked.avro.topic
    assert author.runs == {"a": 3}
    assert world.read(mine.answered.avro.topic) == []


@KINDS
async def test_what_is_rejected_is_not_tried_again(run, mine, kind):
    author = Author(failures=99, error=Reject("never"))
    world = run(kind(mine, author))
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(f"{mine.tag}.dlq")) == 1)
    assert author.runs == {"a": 1}


async def test_a_handler_may_say_when_to_try_again(run, mine):
    author = Author(failures=1, error=Retry("soon", after=timedelta(milliseconds=30)))
    world = run(plain(mine, author))
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    (retry,) = world.read(f"{mine.tag}.retry.1")
    assert int(retry.headers["farandole_due_after_ms"]) >= 30  # the earliest; the backoff comes on top


async def test_a_large_key_that_is_no_text_does_not_make_its_dead_letter_too_large(run, mine):
    """Where nothing names the subject it is the key; bytes that are no text are longer when they are written out."""
    world = run(plain(mine, Author()))
    await world.start()
    good = message(mine.asked(thing="good"))
    await world.send(Message(topic=good.topic, key=b"\xff" * 450_000, value=b"bad", headers=()), good)
    await world.until(lambda: len(world.read(f"{mine.tag}.dlq")) == 1)
    assert world.read(f"{mine.tag}.dlq")[0].value == b"bad"
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)


async def test_a_record_without_any_headers_is_handled_by_its_schema_and_its_place(run, mine):
    author = Author()
    world = run(plain(mine, author))
    await world.start()
    good = message(mine.asked(thing="a"))
    await world.send(Message(topic=good.topic, key=good.key, value=good.value, headers=()))
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    assert author.runs == {"a": 1}


async def test_event_types_without_a_handler_are_passed_over_undecoded(run, mine):
    author = Author()
    world = run(plain(mine, author))
    await world.start()
    foreign = message(mine.asked(thing="a"))
    headers = tuple((n, b"farandole.elsewhere.Other" if n == "ce_type" else v) for n, v in foreign.headers)
    await world.send(Message(topic=foreign.topic, key=foreign.key, value=b"not avro", headers=headers))
    await world.until(lambda: world.lag() == 0)
    assert not author.runs
    assert world.read(f"{mine.tag}.dlq") == []


async def test_attempt_headers_are_not_believed_on_a_domain_topic(run, mine):
    author = Author()
    world = run(plain(mine, author))
    await world.start()
    honest = message(mine.asked(thing="a"), event_id="e-1")
    forged = (*honest.headers, ("farandole_attempt", b"999"), ("farandole_round", b"999"))
    await world.send(Message(topic=honest.topic, key=honest.key, value=honest.value, headers=forged))
    await world.send(honest)
    await world.until(lambda: world.lag() == 0 and len(world.read(mine.answered.avro.topic)) == 1)
    assert author.attempts == [0]
    assert not any("farandole_" in name for name in world.read(mine.answered.avro.topic)[0].headers)


async def test_deliveries_of_one_key_keep_their_order_while_other_keys_go_on(run, mine):
    service = Service(mine.tag)
    gate, ten, order = asyncio.Event(), asyncio.Event(), []

    async def answer(question):
        if question.thing == "slow" and question.text == "0":
            await gate.wait()
        order.append((question.thing, question.text))
        if len(order) == 10:
            ten.set()

    answer.__annotations__ = {"question": mine.asked, "return": None}
    service.on(mine.asked)(answer)
    world = run(service)
    await world.start()
    await world.send(*[message(mine.asked(thing=thing, text=str(n))) for n in range(5) for thing in ("slow", "b", "c")])
    async with asyncio.timeout(20):
        await ten.wait()
    assert {thing for thing, _ in order} == {"b", "c"}
    gate.set()
    await world.until(lambda: len(order) == 15)
    for thing in ("slow", "b", "c"):
        assert [text for one, text in order if one == thing] == ["0", "1", "2", "3", "4"]


async def test_an_effect_is_committed_together_with_its_answer_or_not_at_all(run, mine):
    """The handler writes its row, then fails: the row is gone with it, so the next attempt can write it again."""
    metadata, effects = tables()
    service = Service(mine.tag, tables=metadata)
    runs = 0

    async def answer(question, work):
        nonlocal runs
        runs += 1
        await work.execute(effects.insert().values(thing=question.thing, text=str(runs)))
        if runs < 3:
            raise ValueError("after the effect")
        return mine.answered(thing=question.thing, text=str(runs))

    answer.__annotations__ = {"question": mine.asked, "work": UnitOfWork, "return": mine.answered}
    service.on(mine.asked, retry=QUICK)(answer)
    world = run(service)
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    assert runs == 3


@KINDS
async def test_what_a_crash_interrupts_is_done_after_it(run, mine, kind):
    started, forever = asyncio.Event(), asyncio.Event()

    class Stuck(Author):
        async def wait(self) -> None:
            started.set()
            await forever.wait()

    author = Stuck()
    service = kind(mine, author)
    (handler,) = service.handlers
    original = handler.function
    crashed = False

    async def stuck_once(question, **rest):  # noqa: ANN003
        if not crashed:
            await author.wait()
        return await original(question, **rest)

    object.__setattr__(handler, "function", stuck_once)
    world = run(service)
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    async with asyncio.timeout(20):
        await started.wait()
    await world.crash()
    crashed = True
    await world.start()
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    assert author.runs == {"a": 1}


async def test_a_service_with_an_inbox_has_one_effect_also_when_the_ledger_forgets(run, mine):
    author = Author()
    world = run(stored(mine, author))
    await world.start()
    sent = message(mine.asked(thing="a"))
    await world.send(sent)
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    await world.forget()
    await world.send(sent)
    await world.until(lambda: world.lag() == 0 and len(world.read(mine.answered.avro.topic)) >= 1)
    ids = {one.headers["ce_id"] for one in world.read(mine.answered.avro.topic)}
    assert len(ids) == 1
    assert author.runs == {"a": 1}


async def test_a_redrive_runs_a_dead_event_again_and_sending_it_twice_changes_nothing(run, mine):
    author = Author(failures=1, error=Reject("mend me"))
    world = run(stored(mine, author))
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(f"{mine.tag}.dlq")) == 1)
    (dead,) = world.read(f"{mine.tag}.dlq")
    again = str(int(dead.headers["farandole_attempt"]) + 1)
    headers = {**dead.headers, "farandole_attempt": again, "farandole_round": again}
    redrive = Message(
        topic=f"{mine.tag}.redelivery",
        key=dead.key,
        value=dead.value,
        headers=tuple((name, text.encode()) for name, text in headers.items()),
    )
    await world.send(redrive, redrive)
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    assert author.runs == {"a": 2}
    await world.send(redrive)
    await world.until(lambda: world.lag() == 0)
    assert author.runs == {"a": 2}


async def test_a_handler_that_takes_too_long_is_tried_again(run, mine):
    service = Service(mine.tag)
    runs = 0

    async def answer(question, delivery):
        nonlocal runs
        runs += 1
        if delivery.attempt == 0:
            await asyncio.Event().wait()
        return mine.answered(thing=question.thing)

    answer.__annotations__ = {"question": mine.asked, "delivery": Delivery, "return": mine.answered}
    service.on(mine.asked, retry=QUICK, timeout=timedelta(milliseconds=50))(answer)
    world = run(service)
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)
    assert runs == 2


async def test_a_follow_on_that_the_signature_does_not_name_is_a_dead_letter(run, mine):
    service = Service(mine.tag)

    async def answer(question):
        return mine.noted(thing=question.thing)

    answer.__annotations__ = {"question": mine.asked, "return": mine.answered}
    service.on(mine.asked)(answer)
    world = run(service)
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(f"{mine.tag}.dlq")) == 1)
    (dead,) = world.read(f"{mine.tag}.dlq")
    assert "does not declare" in dead.headers["farandole_error_message"]
    assert world.read(mine.noted.avro.topic) == []


async def test_a_plain_function_is_a_handler_too(run, mine):
    service = Service(mine.tag)

    def answer(question):
        return mine.answered(thing=question.thing, text="plain")

    answer.__annotations__ = {"question": mine.asked, "return": mine.answered}
    service.on(mine.asked)(answer)
    world = run(service)
    await world.start()
    await world.send(message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 1)


async def test_either_half_of_a_join_gives_the_same_id(run, mine):
    metadata, _ = tables()
    service = Service(mine.tag, tables=metadata)

    async def answer(question):
        return FollowOn(event=mine.answered(thing=question.thing), join=question.thing, flow="another", causes=("x",))

    answer.__annotations__ = {"question": mine.asked, "return": FollowOn[mine.answered]}
    service.on(mine.asked)(answer)
    world = run(service)
    await world.start()
    await world.send(message(mine.asked(thing="a")), message(mine.asked(thing="a")))
    await world.until(lambda: len(world.read(mine.answered.avro.topic)) == 2)
    seen = world.read(mine.answered.avro.topic)
    assert len({one.headers["ce_id"] for one in seen}) == 1
    assert {one.headers["ce_correlationid"] for one in seen} == {"another"}
    assert {one.headers["ce_causes"] for one in seen} == {"x"}


async def test_a_timer_emits_through_the_outbox_what_it_committed(run, mine):
    metadata, effects = tables()
    service = Service(mine.tag, tables=metadata)
    ticks = 0

    async def tick(work):
        nonlocal ticks
        found = (await work.execute(select(effects.c.thing))).first()
        if found is not None:
            return None
        ticks += 1
        await work.execute(effects.insert().values(thing="once", text=""))
        return mine.noted(thing="once")

    tick.__annotations__ = {"work": UnitOfWork, "return": mine.noted | None}
    service.every(timedelta(milliseconds=20))(tick)
    world = run(service)
    await world.start()
    await world.until(lambda: len(world.read(mine.noted.avro.topic)) == 1)
    assert ticks == 1


async def test_what_a_request_puts_into_the_outbox_is_published_after_a_crash(run, mine):
    metadata, effects = tables()
    service = Service(mine.tag, tables=metadata)
    held: dict[str, object] = {}

    async def tick(store, outbox):
        held["store"], held["outbox"] = store, outbox

    tick.__annotations__ = {"store": Store, "outbox": Outbox, "return": None}
    service.every(timedelta(milliseconds=10))(tick)
    mentioned = mine.noted

    async def never(work):
        return None

    never.__annotations__ = {"work": UnitOfWork, "return": mentioned | None}
    service.every(timedelta(days=1))(never)
    world = run(service)
    await world.start()
    await world.until(lambda: "store" in held)
    store, outbox = held["store"], held["outbox"]
    async with store.transaction() as work:
        await work.execute(effects.insert().values(thing="asked", text=""))
        await outbox.add(work, mine.noted(thing="asked"), event_id="n-1")
    await world.crash()
    await world.start()
    await world.until(lambda: len(world.read(mine.noted.avro.topic)) >= 1)
    assert {one.headers["ce_id"] for one in world.read(mine.noted.avro.topic)} == {"n-1"}


__all__ = ["Answered", "Noted"]
