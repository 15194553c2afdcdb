"""Weather: every fault that the outside systems know, at once. Each ends by itself."""

from __future__ import annotations

from datetime import timedelta

from farandole_sandbox.faults import Fault, FaultKind, System


def everything_at_once(*, lasts: timedelta) -> tuple[Fault, ...]:
    """Return the faults; they end after ``lasts``, as a delivery has only so many attempts."""
    seconds = lasts.total_seconds()
    return (
        Fault(system=System.GATEWAY, kind=FaultKind.ERROR_RATIO, ratio=0.2, seed=7, seconds=seconds),
        Fault(
            system=System.GATEWAY,
            kind=FaultKind.RATE_LIMIT,
            per_second=20,
            retry_after_seconds=1,
            seconds=seconds,
        ),
        Fault(system=System.SUPPLIERS, kind=FaultKind.OUTAGE, seconds=seconds / 2),
        Fault(system=System.ALL, kind=FaultKind.LOST_ANSWERS, ratio=0.1, seed=3, seconds=seconds),
        Fault(system=System.ALL, kind=FaultKind.DUPLICATE_ANSWERS, ratio=0.2, seed=4, seconds=10 * seconds),
        Fault(system=System.ALL, kind=FaultKind.DUPLICATE_WEBHOOKS, ratio=0.5, seed=5, seconds=10 * seconds),
        Fault(system=System.ALL, kind=FaultKind.LATENCY, p50_ms=20, p99_ms=300, seed=6, seconds=10 * seconds),
        Fault(system=System.CARRIERS, kind=FaultKind.RETURNS, ratio=0.1, seed=8, seconds=10 * seconds),
    )
