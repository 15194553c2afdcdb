"""Whatever order sales come in, and however often, the figures are those of counting each sale once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from analytics_orders import NOON, delivery, order
from farandole.testing import ManualClock
from farandole_analytics.figures import By
from farandole_analytics.minutes import Minutes
from farandole_analytics.sale import minute_of
from farandole_analytics.share import ShareKey, decode, encode
from farandole_analytics.tally import Tally, Verdict
from hypothesis import given
from hypothesis import strategies as st

KEEP = timedelta(hours=1)

ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["France", "Chad", "Peru"]),
        st.lists(
            st.tuples(st.sampled_from(["11", "42", "72"]), st.integers(1, 9), st.integers(0, 10_000)),
            min_size=1,
            max_size=3,
        ),
        st.integers(0, 300),
        st.sampled_from(["USD", "EUR"]),
    ),
    max_size=12,
)


def tally_of(table: dict[bytes, bytes], minutes: Minutes) -> Tally:
    return Tally(table, minutes=minutes, keep=KEEP, clock=ManualClock(NOON))


def brute_force(placed) -> dict:
    """Add everything up in the most obvious way."""
    orders, units, cents = Counter(), Counter(), Counter()
    for country, lines, second, currency in placed:
        minute = (NOON + timedelta(seconds=second)).strftime("%H:%M")
        total = 100 + sum(line[2] for line in lines)
        for slice_ in ((By.TOTAL, ""), (By.COUNTRY, country)):
            key = (minute, *slice_, currency)
            orders[key] += 1
            units[key] += sum(line[1] for line in lines)
            cents[key] += total
        for product in {line[0] for line in lines}:
            orders[minute, By.PRODUCT, product, currency] += 1
        for product, quantity, earned in lines:
            units[minute, By.PRODUCT, product, currency] += quantity
            cents[minute, By.PRODUCT, product, currency] += earned
    return {key: (orders[key], units[key], cents[key]) for key in orders}


def told(minutes: Minutes) -> dict:
    return {
        (line.window[11:16], line.part.by, line.part.name, line.part.currency): (
            line.figures.orders,
            line.figures.units,
            line.figures.revenue_cents,
        )
        for by in By
        for line in minutes.lines(by, before=None, minutes=10_000)
    }


@given(ORDERS, st.data())
def test_any_permutation_with_duplicates_and_crashes_gives_the_totals_of_brute_force(placed, data) -> None:
    """A crash loses the memory and keeps the table; deliveries of the last seconds then come again."""
    numbers = list(range(len(placed)))
    sequence = data.draw(
        st.permutations(numbers + data.draw(st.lists(st.sampled_from(numbers or [0])) if numbers else st.just([])))
    )
    table: dict[bytes, bytes] = {}
    minutes = Minutes()
    tally = tally_of(table, minutes)
    for number in sequence:
        if data.draw(st.integers(0, 5)) == 0:
            minutes = Minutes()
            tally = tally_of(table, minutes)
            tally.recovered()
        country, lines, second, currency = placed[number]
        moment = NOON + timedelta(seconds=second)
        tally.take(
            order(number, country=country, currency=currency, lines=lines),
            delivery(f"event-{number}", time=moment, appended=NOON + timedelta(minutes=6), partition=number % 4),
        )
    assert told(minutes) == brute_force(placed)
    tally.recovered()
    assert told(minutes) == brute_force(placed)


def test_ids_and_figures_are_one_value_and_survive_the_table() -> None:
    table: dict[bytes, bytes] = {}
    tally_of(table, Minutes()).take(order(), delivery())
    (value,) = table.values()
    share = decode(value)
    assert len(share.marks) == 1
    assert {part.by for part in share.parts} == {By.TOTAL, By.COUNTRY, By.PRODUCT}
    assert decode(encode(share)) == share


def test_a_key_of_the_table_reads_back() -> None:
    key = ShareKey(partition=3, minute=29_000_000, bucket=15)
    assert ShareKey.decode(key.encode()) == key


def test_two_sources_may_use_the_same_id() -> None:
    tally = tally_of({}, Minutes())
    assert tally.take(order(), delivery("7", source="orders")) is Verdict.COUNTED
    assert tally.take(order(), delivery("7", source="shop")) is Verdict.COUNTED
    assert tally.take(order(), delivery("7", source="shop")) is Verdict.DUPLICATE


def test_a_minute_beyond_what_is_kept_leaves_the_table_and_counts_no_more() -> None:
    table: dict[bytes, bytes] = {}
    minutes = Minutes()
    tally = tally_of(table, minutes)
    tally.take(order(1), delivery("old"))
    later = NOON + KEEP + timedelta(minutes=2)
    assert tally.take(order(2), delivery("new", time=later, appended=later)) is Verdict.COUNTED
    assert [ShareKey.decode(key).minute for key in table] == [minute_of(later)]
    assert {line.window for line in minutes.lines(By.TOTAL, before=None, minutes=99)} == {"2026-11-23T13:02Z"}
    assert tally.take(order(1), delivery("old", appended=later)) is Verdict.LATE


def test_after_a_crash_what_was_too_old_before_is_too_old_still() -> None:
    table: dict[bytes, bytes] = {}
    tally = tally_of(table, Minutes())
    later = NOON + KEEP + timedelta(minutes=2)
    tally.take(order(1), delivery("old"))
    tally.take(order(2), delivery("new", time=later, appended=later))
    again = tally_of(table, Minutes())
    again.recovered()
    assert again.take(order(1), delivery("old")) is Verdict.LATE


def test_one_partition_does_not_age_the_table_of_another() -> None:
    table: dict[bytes, bytes] = {}
    tally = tally_of(table, Minutes())
    later = NOON + KEEP + timedelta(minutes=2)
    tally.take(order(1), delivery("slow", partition=0))
    tally.take(order(2), delivery("fast", time=later, appended=later, partition=1))
    assert {ShareKey.decode(key).partition for key in table} == {0, 1}
    assert tally.take(order(1), delivery("slow", partition=0)) is Verdict.DUPLICATE


def test_a_time_that_is_none_or_lies_ahead_is_replaced_by_the_brokers() -> None:
    minutes = Minutes()
    tally = tally_of({}, minutes)
    for number, time in enumerate(("yesterday", "2026-11-23T12:00:00", "9999-12-31T23:59:59Z", "")):
        assert tally.take(order(), delivery(str(number), time=time)) is Verdict.COUNTED
    (line,) = minutes.lines(By.TOTAL, before=None, minutes=10)
    assert (line.window, line.figures.orders) == ("2026-11-23T12:00Z", 4)
