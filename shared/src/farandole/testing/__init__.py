"""Testing: run a service in memory, with a clock that you advance."""

from farandole.testing.clock import ManualClock
from farandole.testing.harness import Harness, Published

__all__ = ["Harness", "ManualClock", "Published"]
