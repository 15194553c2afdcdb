"""An audit beside a service at work: what waits, runs, is tried again or held back is told as such, never as lost.

The log moves on while it is read, entries change between the look at the offsets and the look at the ledger, Redis
forgets everything in the middle. What an audit must not do is to cry wolf.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from audited import counts, kinds
from farandole import Backoff, Dependency, DependencyError, Reject, Service, UnitOfWork
from farandole.audit import audit
from farandole.contexts import Target
from farandole.errors import UnavailableError
from sqlalchemy import Column, MetaData, String, Table
from things import Things
from world import message

QUICK = Backoff(first=timedelta(milliseconds=40), factor=2, attempts=3)
EVENTS = 400


class Gate:
    """Holds handlers up until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()


def service_of(mine: Things, gate: Gate, *, has_store: bool) -> Service:
    """A service whose handler does what the event's text says: wait, fail a few times, give up, or answer."""
    metadata = MetaData()
    effects = Table("effects", metadata, Column("thing", String, primary_key=True))
    service = Service(mine.tag, tables=metadata if has_store else None)
    failed: dict[str, int] = {}

    async def act(question) -> None:
        if question.text == "wait":
            await gate.opened.wait()
        if question.text == "reject":
            raise Reject("no")
        if question.text == "fail" and failed.setdefault(question.thing, 0) < 2:
            failed[question.thing] += 1
            raise ValueError("not yet")

    async def stored(question, work):
        await act(question)
        await work.execute(effects.insert().values(thing=question.thing))
        return mine.answered(thing=question.thing)

    async def plain(question):
        await act(question)
        return mine.answered(thing=question.thing)

    answer = stored if has_store else plain
    answer.__annotations__ = {"question": mine.asked, "return": mine.answered}
    if has_store:
        answer.__annotations__["work"] = UnitOfWork
    service.on(mine.asked, retry=QUICK)(answer)
    return service


def asked(mine: Things, number: int):
    text = {7: "fail", 11: "reject"}.get(number % 20, "")
    return message(mine.asked(thing=f"{number}", text=text), event_id=f"e-{number}")


@pytest.mark.parametrize("has_store", [False, True], ids=["without a store", "with a store"])
async def test_audits_all_along_find_nothing_also_when_redis_forgets(run, mine, sqlite_url, has_store):
    audited = run(service_of(mine, Gate(), has_store=has_store), sqlite_url if has_store else "")
    await audited.start()

    async def work() -> None:
        for first in range(0, EVENTS, 20):
            await audited.send(*(asked(mine, number) for number in range(first, first + 20)))
            if first == EVENTS // 2:
                await audited.world.forget()
            await asyncio.sleep(0.05)  # a stream, rather than a heap
        await audited.drained()

    working = asyncio.create_task(work())
    found, audits = [], 0
    while not working.done():
        report = await audited.audit()
        found += report.findings
        audits += 1
    await working
    assert found == []
    assert audits >= 3
    last = await audited.audit()
    assert last.is_good
    told = counts(last)
    assert told.pop("dead") == EVENTS // 20
    assert sum(told.values()) == EVENTS - EVENTS // 20
    assert set(told) == {"done"}


async def test_what_runs_and_what_stands_behind_it_is_in_flight(run, mine, sqlite_url):
    gate = Gate()
    audited = run(service_of(mine, gate, has_store=True), sqlite_url)
    await audited.start()
    await audited.send(*(message(mine.asked(thing=f"{n}", text="wait"), event_id=f"e-{n}") for n in range(3)))
    running = await audited.until_audit(lambda report: counts(report) == {"in flight": 3})
    assert running.is_good
    gate.opened.set()
    assert (await audited.until_audit(lambda report: "in flight" not in counts(report))).is_good


async def test_what_is_held_at_the_head_of_its_key_is_parked(run, mine, sqlite_url):
    service = Service(mine.tag, tables=MetaData())

    async def hold(question):
        raise ValueError("not yet")

    hold.__annotations__ = {"question": mine.asked, "return": type(None)}
    longest = timedelta(minutes=10)
    service.on(
        mine.asked, order="key", timeout=timedelta(milliseconds=100), retry=Backoff(first=longest, longest=longest)
    )(hold)
    audited = run(service, sqlite_url)
    await audited.start()
    await audited.send(*(message(mine.asked(thing="a"), event_id=f"e-{n}") for n in range(2)))
    held = await audited.until_audit(lambda report: counts(report) == {"parked": 2})
    assert held.is_good


async def test_what_an_outage_holds_back_is_parked(run, mine, sqlite_url):
    gateway = f"{mine.tag}-gateway"
    is_away = True
    service = Service(mine.tag, tables=MetaData())

    async def ask(question):
        if is_away:
            raise DependencyError("the gateway did not answer")

    ask.__annotations__ = {"question": mine.asked, "return": type(None)}
    quickly = Dependency(gateway, probe_interval=timedelta(milliseconds=200))
    service.on(mine.asked, depends_on=quickly, retry=QUICK)(ask)
    audited = run(service, sqlite_url)
    await audited.start()
    await audited.send(*(asked(mine, number) for number in range(60)))
    outage = await audited.until_audit(lambda report: counts(report) == {"parked": 60})
    assert outage.is_good
    is_away = False
    over = await audited.until_audit(lambda report: counts(report) == {"done": 60})
    assert over.is_good


async def test_a_service_that_never_ran_has_everything_waiting(run, mine, sqlite_url):
    audited = run(service_of(mine, Gate(), has_store=True), sqlite_url)
    await audited.start()
    await audited.stop()
    await audited.send(asked(mine, 1), asked(mine, 2))
    report = await audited.audit()
    assert (counts(report), kinds(report)) == ({"waiting": 2}, {})


async def test_an_audit_without_redis_says_so_and_judges_nobody(run, mine, sqlite_url):
    audited = run(service_of(mine, Gate(), has_store=True), sqlite_url)
    await audited.start()
    await audited.send(asked(mine, 1))
    await audited.drained()
    told = audited.target
    away = Target(
        connection=told.connection,
        redis_url="redis://127.0.0.1:1/0",
        cluster=told.cluster,
        database_urls=told.database_urls,
        windows=told.windows,
    )
    with pytest.raises(UnavailableError):
        await audit(away, [audited.service])
