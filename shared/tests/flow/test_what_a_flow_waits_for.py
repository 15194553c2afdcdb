"""What a flow waits for, in the words that somebody reads at three in the morning."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from farandole.breaker import Phase
from farandole.breaker.state import begun
from farandole.flow.happening import Happening, Kind
from farandole.flow.tree import flow_tree
from farandole.flow.waiting import Behind, Evidence, Wait, waiting
from flow_happenings import BEGAN, happening

PLACED = happening(Kind.EMITTED, "OrderPlaced", service="orders", topic="orders", offset=7)
NOW = BEGAN + timedelta(seconds=60)


def told(*happenings: Happening, evidence: Evidence | None = None, hears: tuple[str, ...] = ()) -> list[str]:
    """Return the words."""
    return [one.told for one in waits(*happenings, evidence=evidence, hears=hears)]


def waits(*happenings: Happening, evidence: Evidence | None = None, hears: tuple[str, ...] = ()) -> tuple[Wait, ...]:
    """Return what it waits for."""
    tree = flow_tree("flow", [PLACED, *happenings], hears=lambda _: hears)
    assert tree is not None
    return waiting(tree, evidence or Evidence(now=NOW))


def test_a_retry_is_told_with_its_time_and_its_reason() -> None:
    retry = happening(Kind.RETRY, "OrderPlaced", service="payments", attempt=3, due=64, message="gateway 503")
    assert told(retry) == ["payments: retry 3 due in 4 s: gateway 503"]


def test_a_retry_that_was_read_and_left_nothing_behind_is_over() -> None:
    retry = happening(Kind.RETRY, "OrderPlaced", service="payments", attempt=1, due=1, topic="payments.retry.1")
    at = ("payments", "payments.retry.1", 0)
    assert "retry" not in told(retry, evidence=Evidence(now=NOW, behind={at: Behind(next=1, end=1)}))[0]
    assert told(retry, evidence=Evidence(now=NOW, behind={at: Behind(next=0, end=1)})) == [
        "payments: retry 1 due since 59 s"
    ]


def test_a_breaker_that_is_open_is_named_with_the_time_since_when() -> None:
    shut = replace(begun(BEGAN), phase=Phase.OPEN)
    evidence = Evidence(
        now=NOW,
        breakers={"payment-gateway": shut},
        behind={("payments", "orders", 0): Behind(next=7, end=9)},
        depends_on={("payments", "hall.OrderPlaced"): ("payment-gateway",)},
    )
    assert told(evidence=evidence, hears=("payments",)) == ["payments: breaker payment-gateway open since 12:00:00"]


def test_who_has_not_read_it_yet_is_named_with_how_far_behind_it_is() -> None:
    behind = {("inventory", "orders", 0): Behind(next=2, end=9), ("crm", "orders", 0): Behind(next=8, end=9)}
    assert told(evidence=Evidence(now=NOW, behind=behind), hears=("crm", "inventory")) == [
        "inventory has not read it yet: 5 events behind"
    ]


def test_a_dead_letter_comes_with_the_command_that_sends_it_again() -> None:
    (wait,) = waits(happening(Kind.DEAD, "OrderPlaced", service="payments", attempt=4, message="gateway 503"))
    assert wait.told.startswith("dead letter in payments: gateway 503; redrive with `farandole dlq redrive OrderPlaced")
    assert wait.command == 'farandole dlq redrive OrderPlaced --service payments --reason "…"'


def test_where_nothing_is_known_to_move_it_the_last_event_is_told() -> None:
    done = happening(Kind.HANDLED, "OrderPlaced", service="crm", seconds=1)
    now = Evidence(now=BEGAN + timedelta(seconds=181))
    assert told(done, evidence=now) == ["nothing is known to move it: last event OrderPlaced 3 min ago"]
