"""What an audit finds when something was lost behind the mesh's back.

A service handles some events, is stopped, and then an operator's slip happens: offsets are committed past what nobody
handled, memories are deleted, records that were announced are not there. Each is planted by hand on a real Kafka, a
real Redis and a real database, and each is named, with its id and what to do; everything else stays where it was.
"""

from __future__ import annotations

from datetime import timedelta

from audited import Audited, counts, kinds
from farandole import Backoff, Reject, Service, UnitOfWork
from farandole.engine.ports import Message
from farandole.ledger import State
from sqlalchemy import Column, MetaData, String, Table
from things import Things
from world import message

LATER = Backoff(first=timedelta(hours=1), longest=timedelta(hours=1), factor=1, attempts=3)


def stored(mine: Things, *, failing: bool = False, retry: Backoff = LATER) -> Service:
    """A service with a store: one effect a thing, and an answer; or it fails for an hour."""
    metadata = MetaData()
    effects = Table("effects", metadata, Column("thing", String, primary_key=True))
    service = Service(mine.tag, tables=metadata)

    async def answer(question, work):
        if question.text == "reject":
            raise Reject("no")
        if failing or question.text == "fail":
            raise ValueError("not today")
        await work.execute(effects.insert().values(thing=question.thing))
        return mine.answered(thing=question.thing)

    answer.__annotations__ = {"question": mine.asked, "work": UnitOfWork, "return": mine.answered}
    service.on(mine.asked, retry=retry)(answer)
    return service


def plain(mine: Things, *, emits: bool) -> Service:
    """A service without a store."""
    service = Service(mine.tag)

    async def answer(question):
        return mine.answered(thing=question.thing) if emits else None

    answer.__annotations__ = {"question": mine.asked, "return": mine.answered if emits else type(None)}
    service.on(mine.asked)(answer)
    return service


def asked(mine: Things, *ids: str, text: str = "") -> list[Message]:
    return [message(mine.asked(thing=one, text=text), event_id=one) for one in ids]


async def handled(audited: Audited, *messages: Message) -> None:
    """Have the running service take everything, and stop it."""
    await audited.start()
    await audited.send(*messages)
    await audited.drained()
    await audited.stop()


async def test_every_way_to_lose_an_event_is_named_and_nothing_else(run, mine, url):
    audited = run(stored(mine), url)
    topic = mine.asked.avro.topic
    await handled(audited, *asked(mine, "fine", "also fine", "erased"))
    await audited.send(*asked(mine, "skipped", "claimed", "announced", "buried"))
    await audited.note(await audited.record(topic, "claimed"), "claimed", State.CLAIMED)
    await audited.note(await audited.record(topic, "announced"), "announced", State.RETRY)
    await audited.note(await audited.record(topic, "buried"), "buried", State.DEAD)
    before = await audited.audit()
    assert before.is_good
    assert counts(before) == {"done": 3, "waiting": 1, "in flight": 2, "retrying": 1}
    await audited.skip()
    await audited.forget_entry("erased")
    await audited.forget_row("erased")
    report = await audited.audit()
    assert kinds(report) == {
        "erased": "lost",
        "skipped": "lost",
        "claimed": "stranded",
        "announced": "stranded",
        "buried": "stranded",
    }
    assert counts(report) == {"done": 2, "lost": 2, "stranded": 3}
    assert not report.is_good
    skipped = next(one for one in report.findings if one.event_id == "skipped")
    place = (await audited.record(topic, "skipped")).coordinates
    assert (skipped.service, skipped.type, skipped.where) == (mine.tag, mine.asked.avro.fullname, str(place))
    assert f"farandole replay plan --service {mine.tag} --id skipped" in skipped.do
    assert report.seconds < 20


async def test_what_is_sent_again_as_the_finding_says_is_mended(run, mine, sqlite_url):
    audited = run(stored(mine), sqlite_url)
    topic = mine.asked.avro.topic
    await handled(audited, *asked(mine, "fine"))
    await audited.send(*asked(mine, "skipped", "announced"))
    await audited.note(await audited.record(topic, "announced"), "announced", State.RETRY)
    await audited.skip()
    assert kinds(await audited.audit()) == {"skipped": "lost", "announced": "stranded"}
    redelivery = f"{mine.tag}.redelivery"
    await audited.send_private(redelivery, await audited.record(topic, "skipped"), 1)
    await audited.send_private(redelivery, await audited.record(topic, "announced"), 2)
    sent = await audited.audit()
    assert sent.is_good
    assert counts(sent) == {"done": 1, "retrying": 2}
    await audited.start()
    await audited.drained()
    mended = await audited.audit()
    assert mended.is_good
    assert counts(mended) == {"done": 3}


async def test_a_retry_record_that_was_skipped_is_named(run, mine, sqlite_url):
    audited = run(stored(mine), sqlite_url)
    await audited.start()
    await audited.send(*asked(mine, "tried", text="fail"))
    waiting = await audited.until_audit(lambda report: counts(report) == {"retrying": 1})
    assert waiting.is_good
    await audited.stop()
    await audited.skip([f"{mine.tag}.retry.1"])
    report = await audited.audit()
    assert kinds(report) == {"tried": "stranded"}
    assert "passed without being claimed" in report.findings[0].what


async def test_a_dead_letter_is_counted_and_one_beside_a_handled_event_is_named(run, mine, sqlite_url):
    audited = run(stored(mine), sqlite_url)
    letters = f"{mine.tag}.dlq"
    await handled(audited, *asked(mine, "fine"), *asked(mine, "rejected", text="reject"))
    report = await audited.audit()
    assert report.is_good
    assert counts(report) == {"done": 1, "dead": 1}
    await audited.send_private(f"{mine.tag}.redelivery", await audited.record(letters, "rejected"), 1)
    assert counts(await audited.audit()) == {"done": 1, "retrying": 1}
    await audited.send_private(letters, await audited.record(mine.asked.avro.topic, "fine"), 1)
    assert kinds(await audited.audit()) == {"fine": "done and dead"}


async def test_an_id_with_two_contents_is_told_and_whose_it_is(run, mine, sqlite_url):
    audited = run(stored(mine), sqlite_url)
    one, other = asked(mine, "one")[0], message(mine.asked(thing="one", text="other"), event_id="one")
    ours = [message(mine.answered(thing="x", text=text), event_id="ours", source=mine.tag) for text in ("a", "b")]
    await handled(audited, one, one, other, *ours)
    report = await audited.audit()
    assert kinds(report) == {"one": "conflicting", "ours": "doubled"}
    assert counts(report) == {"done": 1}
    assert report.balances[0].repeats == 2


async def test_what_a_log_deletes_before_it_was_handled_is_told(run, mine, sqlite_url):
    audited = run(stored(mine), sqlite_url)
    topic = mine.asked.avro.topic
    await handled(audited, *(one for n in range(8) for one in asked(mine, f"fine {n}")))
    await audited.send(*asked(mine, "never read", "claimed"))
    await audited.note(await audited.record(topic, "claimed"), "claimed", State.CLAIMED)
    await audited.delete_records(topic)
    report = await audited.audit()
    assert sorted(finding.kind for finding in report.findings) in (
        ["deleted unread", "stranded"],
        ["deleted unread", "deleted unread", "stranded"],
    )
    assert counts(report) == {"stranded": 1}


async def test_without_a_store_what_a_wiped_ledger_forgot_is_judged_by_its_follow_on(run, mine):
    audited = run(plain(mine, emits=True))
    await handled(audited, *asked(mine, "fine", "also fine"))
    await audited.send(*asked(mine, "skipped"))
    await audited.skip()
    await audited.world.forget()
    report = await audited.audit()
    assert kinds(report) == {"skipped": "lost"}
    assert counts(report) == {"done": 2, "lost": 1}


async def test_without_a_store_and_without_follow_ons_a_wiped_ledger_proves_nothing(run, mine):
    audited = run(plain(mine, emits=False))
    await handled(audited, *asked(mine, "fine"))
    await audited.age_ledger()
    await audited.send(*asked(mine, "skipped"))
    await audited.skip()
    assert kinds(await audited.audit()) == {"skipped": "lost"}
    await audited.world.forget()
    report = await audited.audit()
    assert report.is_good
    assert counts(report) == {"not provable": 2}
