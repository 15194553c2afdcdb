"""What a fault draws depends on its seed and the number of the call, and on nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

from farandole_sandbox.bucket import Bucket
from farandole_sandbox.faults import Fault, FaultKind, System, draw

NOW = datetime(2026, 11, 3, tzinfo=UTC)


def test_draws_are_even_and_the_same_for_the_same_seed() -> None:
    drawn = [draw(1, str(n)) for n in range(2000)]
    assert drawn == [draw(1, str(n)) for n in range(2000)]
    assert drawn != [draw(2, str(n)) for n in range(2000)]
    assert 0.45 < sum(drawn) / len(drawn) < 0.55
    assert 0 <= min(drawn) <= max(drawn) < 1


def test_latency_has_the_median_and_the_99th_percentile_that_were_asked_for() -> None:
    fault = Fault(system=System.CRM, kind=FaultKind.LATENCY, p50_ms=20, p99_ms=200)
    drawn = [fault.latency(n).total_seconds() * 1000 for n in range(5000)]
    assert 18 < median(drawn) < 22
    assert 150 < quantiles(drawn, n=100)[98] < 260


def test_latency_without_a_percentile_is_fixed() -> None:
    fault = Fault(system=System.CRM, kind=FaultKind.LATENCY, p50_ms=20)
    assert {fault.latency(n) for n in range(10)} == {timedelta(milliseconds=20)}


def test_a_bucket_lets_its_rate_pass() -> None:
    bucket = Bucket(10)
    assert sum(bucket.take(NOW) for _ in range(20)) == 10
    assert sum(bucket.take(NOW + timedelta(milliseconds=500)) for _ in range(20)) == 5


def test_a_bucket_does_not_fill_when_the_clock_goes_back() -> None:
    bucket = Bucket(1)
    assert bucket.take(NOW)
    assert not bucket.take(NOW - timedelta(seconds=10))
