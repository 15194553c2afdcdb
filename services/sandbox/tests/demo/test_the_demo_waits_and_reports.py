"""How the demo waits for its orders, when it loses patience, and what its document says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from farandole_sandbox.demo.audit.audit import audit
from farandole_sandbox.demo.draining import Backlog
from farandole_sandbox.demo.outcome import Outcome, percentile
from farandole_sandbox.demo.shop import Receipts
from farandole_sandbox.demo.tally import Tally, difference
from farandole_sandbox.demo.waiting import Counter, Stalled, until_ended
from made_up_books import balanced, event_of, with_changed_row, with_event, without_event

KEYS = [
    "orders",
    "completed",
    "cancelled",
    "open",
    "events",
    "duplicates_dropped",
    "retries",
    "dead_letters",
    "seconds",
    "accept_ms",
    "order_to_terminal_ms",
    "audit",
]


class Answers:
    """An order service's summaries, one after the other; the last for ever. None: it does not answer."""

    def __init__(self, *told: Mapping[str, int] | None) -> None:
        self._told = list(told)

    def __call__(self, _: httpx2.Request) -> httpx2.Response:
        told = self._told.pop(0) if len(self._told) > 1 else self._told[0]
        if told is None:
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200, json={"by_status": told})


def _status(placed: int = 0, completed: int = 0, cancelled: int = 0) -> Mapping[str, int]:
    return {"placed": placed, "completed": completed, "cancelled": cancelled}


async def _wait(
    *told: Mapping[str, int] | None, placed: int, patience: float = 60, held: list[int] | None = None
) -> Sequence[Tally]:
    shown: list[Tally] = []

    async def still_held() -> int:
        return held.pop(0) if held else 0

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(Answers(*told))) as client:
        counter = Counter(client, "http://orders")
        await counter.begin()
        placing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        placing.set_result(None)
        await until_ended(
            counter,
            wanted=placed,
            placed=lambda: placed,
            placing=placing,
            show=shown.append,
            held=still_held,
            patience=timedelta(seconds=patience),
            tick=timedelta(0),
        )
    return shown


async def test_the_wait_ends_with_the_last_order() -> None:
    shown = await _wait(_status(), _status(placed=2), _status(placed=1, completed=1), _status(0, 1, 1), placed=2)
    assert [tally.open for tally in shown] == [2, 1, 0]


async def test_orders_that_were_there_before_do_not_count() -> None:
    shown = await _wait(_status(5, 7, 1), _status(5, 8, 2), placed=2)
    assert (shown[-1].completed, shown[-1].cancelled, shown[-1].open) == (1, 1, 0)


async def test_an_order_service_that_is_away_is_waited_for() -> None:
    shown = await _wait(None, _status(), None, None, _status(completed=1), placed=1)
    assert [tally.open for tally in shown] == [0]


async def test_patience_ends_when_nothing_moves() -> None:
    with pytest.raises(Stalled, match="nothing has moved for"):
        await _wait(_status(), _status(placed=1), placed=1, patience=0.05)


async def test_a_retry_that_is_not_due_yet_is_waited_for_and_then_patience_begins_anew() -> None:
    asked = [2, 1, 0]
    with pytest.raises(Stalled):
        await _wait(_status(), _status(placed=1), placed=1, patience=0.01, held=asked)
    assert asked == []


def test_the_line_of_progress_names_every_number() -> None:
    tally = Tally(wanted=10, placed=8, completed=3, cancelled=1)
    assert str(tally) == "8 of 10 orders placed, 3 completed, 1 cancelled, 4 open"
    assert difference({"placed": 3, "packed": 2}, {"placed": 1}) == {"placed": 2, "packed": 2}


def _outcome(**changes: object) -> Outcome:
    books = balanced()
    receipts = Receipts(placed=list(books.placed), began=-1.0)
    return replace(Outcome(receipts=receipts, books=books, audit=audit(books), dropped=2), **changes)


def test_the_document_has_just_its_keys() -> None:
    document = _outcome().document()
    assert list(document) == KEYS
    assert (document["orders"], document["completed"], document["cancelled"], document["open"]) == (4, 1, 3, 0)
    assert document["audit"] == {"lost": 0, "doubled": 0, "unexplained": 0}
    assert document["accept_ms"] == {"p50": 10.0, "p99": 10.0}
    assert (document["seconds"], document["order_to_terminal_ms"]) == (2.0, {"p50": 1000.0, "p99": 1000.0})
    assert document["duplicates_dropped"] == 2


def test_what_is_wrong_is_named_in_the_document() -> None:
    books = with_event("A", "PaymentCaptured")(balanced())
    outcome = _outcome(books=books, audit=audit(books))
    assert not outcome.is_good
    assert any("PaymentCaptured" in line for line in outcome.document()["details"])


def test_an_open_order_is_not_good() -> None:
    books = without_event("A", "OrderCompleted")(balanced())
    outcome = _outcome(books=books)
    assert outcome.document()["open"] == 1
    assert not outcome.is_good


def test_a_surprise_of_the_shop_is_not_good() -> None:
    assert _outcome().is_good
    assert not _outcome(troubles=["answered differently"]).is_good


def test_a_parked_order_is_not_good_and_its_dead_letter_is_named() -> None:
    books = with_changed_row("payments.payment", 0, state="capturing")(balanced())
    books = replace(books, dead=[("payments", event_of(books, "A", "ShipmentDispatched"))])
    outcome = _outcome(books=books, audit=audit(books))
    assert not outcome.is_good
    assert outcome.document()["audit"] == {"lost": 0, "doubled": 0, "unexplained": 0}
    assert any(line.startswith("dead letter: payments gave up ShipmentDispatched") for line in outcome.details())


def test_percentiles_are_durations_that_occurred() -> None:
    seconds = [number / 1000 for number in range(1, 101)]
    assert (percentile(seconds, 50), percentile(seconds, 99), percentile([], 50)) == (50.0, 99.0, 0.0)


def test_a_backlog_says_what_is_left() -> None:
    assert Backlog().is_empty
    left = Backlog(lag={"erp erp.retry.1": 2}, webhooks=1, held=2)
    assert not left.is_empty
    assert str(left) == "2 records before erp erp.retry.1, 1 webhooks owed, 2 retries that are not due yet"
    assert not Backlog(held=1).is_empty
    assert not Backlog(away="the broker says nothing").is_empty
