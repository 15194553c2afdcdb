"""The public names are pinned: whoever adds or takes one away says so here, and in the changelog."""

from __future__ import annotations

import farandole
import farandole.testing


def test_the_library_exports_exactly_these_names():
    assert sorted(farandole.__all__) == [
        "Backoff",
        "Clock",
        "Codec",
        "Coordinates",
        "Delivery",
        "Dependency",
        "DependencyError",
        "Envelope",
        "Event",
        "FarandoleError",
        "FollowOn",
        "Outbox",
        "ReadModel",
        "Reject",
        "Retry",
        "Service",
        "Store",
        "SystemClock",
        "Throttled",
        "UnitOfWork",
        "Value",
        "run",
    ]
    assert all(hasattr(farandole, name) for name in farandole.__all__)


def test_the_testing_package_exports_exactly_these_names():
    assert sorted(farandole.testing.__all__) == [
        "CUT",
        "HALF_OPEN",
        "HEALTHY",
        "Harness",
        "ManualClock",
        "Published",
        "STALLED",
        "TcpFault",
        "TcpProxy",
        "assert_repeatable",
        "lost_reply",
        "slow",
    ]
