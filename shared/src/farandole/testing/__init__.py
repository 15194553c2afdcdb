"""Testing: run a service in memory, with a clock that you advance; put a line that fails before a real server."""

from farandole.testing.clock import ManualClock
from farandole.testing.harness import Harness, Published
from farandole.testing.repeatable import assert_repeatable
from farandole.testing.tcp_fault import CUT, HALF_OPEN, HEALTHY, STALLED, TcpFault, lost_reply, slow
from farandole.testing.tcp_proxy import TcpProxy

__all__ = [
    "CUT",
    "HALF_OPEN",
    "HEALTHY",
    "STALLED",
    "Harness",
    "ManualClock",
    "Published",
    "TcpFault",
    "TcpProxy",
    "assert_repeatable",
    "lost_reply",
    "slow",
]
