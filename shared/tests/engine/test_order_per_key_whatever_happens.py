"""Whatever order things happen in, the events of a key are handled in theirs.

A service with ``order="key"`` is driven through random histories: events of three keys, failures of any of them, time
that passes, crashes, and ledgers that are wiped. Whoever drops duplicates by id sees each key's events in the order in
which they were sent, and in the end all of them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

from farandole import Backoff, Service, UnitOfWork
from farandole.testing import Harness
from farandole_events import OrderCancelled
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Column, Integer, MetaData, String, Table

RETRY = Backoff(first=timedelta(seconds=2), factor=2, attempts=1000, longest=timedelta(seconds=10))
KEYS = ("a", "b", "c")


class Histories(RuleBasedStateMachine):
    """One service, its broker and its ledger, and what was sent and handled of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.sent: dict[str, list[str]] = defaultdict(list)
        self.handled: dict[str, list[str]] = defaultdict(list)
        self.failures: Counter[str] = Counter()
        self.harness: Harness | None = None

    @initialize(stored=st.booleans())
    def begin(self, *, stored: bool) -> None:
        self.service = self._stored() if stored else self._plain()
        self.runner.run(self._start())

    @rule(key=st.sampled_from(KEYS), failures=st.sampled_from((0, 0, 0, 1, 3)))
    def send(self, key: str, failures: int) -> None:
        reason = f"{key}{len(self.sent[key])}"
        self.sent[key].append(reason)
        self.failures[reason] = failures
        event = OrderCancelled(order_id=key, customer_id="c", reason=reason, cause="customer")
        self.runner.run(self._running.deliver(event, event_id=reason))

    @rule(seconds=st.integers(1, 8))
    def wait(self, seconds: int) -> None:
        self.runner.run(self._running.advance(timedelta(seconds=seconds)))

    @rule()
    def crash(self) -> None:
        self.runner.run(self._restart())

    @rule()
    def wipe(self) -> None:
        self._running.ledger.wipe()
        self.runner.run(self._running.settle())

    @precondition(lambda self: any(self.sent.values()))
    @rule()
    def fail_again(self) -> None:
        self.failures.update({one: 1 for sent in self.sent.values() for one in sent[-1:]})

    @invariant()
    def the_order_is_kept(self) -> None:
        for key in KEYS:
            firsts = list(dict.fromkeys(self.handled[key]))
            assert firsts == self.sent[key][: len(firsts)]

    def teardown(self) -> None:
        if self.harness is not None:
            self.runner.run(self._running.advance(timedelta(minutes=10)))
            assert {key: list(dict.fromkeys(self.handled[key])) for key in KEYS} == {
                key: self.sent[key] for key in KEYS
            }
            assert self._running.retries == []
            assert self._running.dead_letters == []
            self.runner.run(self._running.__aexit__(None, None, None))
        self.runner.close()
        self.folder.cleanup()

    @property
    def _running(self) -> Harness:
        assert self.harness is not None
        return self.harness

    async def _start(self) -> None:
        url = f"sqlite:///{Path(self.folder.name) / 'histories.db'}"
        before, self.harness = self.harness, Harness(self.service, database_url=url)
        if before is not None:
            self.harness = Harness(self.service, database_url=url, clock=before.clock)
            self.harness.broker, self.harness.ledger = before.broker, before.ledger
        await self.harness.__aenter__()

    async def _restart(self) -> None:
        await self._running.__aexit__(None, None, None)
        await self._start()

    def _heard(self, event: OrderCancelled) -> None:
        if self.failures[event.reason] > 0:
            self.failures[event.reason] -= 1
            raise ValueError("not yet")
        self.handled[event.order_id].append(event.reason)

    def _plain(self) -> Service:
        service = Service("histories")

        async def listen(event: OrderCancelled) -> None:
            self._heard(event)

        service.on(OrderCancelled, retry=RETRY, order="key")(listen)
        return service

    def _stored(self) -> Service:
        metadata = MetaData()
        effects = Table("effects", metadata, Column("n", Integer, primary_key=True), Column("reason", String))
        service = Service("histories", tables=metadata)

        async def listen(event: OrderCancelled, work: UnitOfWork) -> None:
            await work.execute(effects.insert().values(reason=event.reason))
            self._heard(event)

        service.on(OrderCancelled, retry=RETRY, order="key")(listen)
        return service


Histories.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestWhateverHappens = Histories.TestCase
