"""MemoryBreakers: the shared states in memory, for the harness and for tests."""

from __future__ import annotations

from collections.abc import Mapping

from farandole.breaker.breakers import Change, T
from farandole.breaker.state import BreakerState, packed, unpacked
from farandole.clock import Clock
from farandole.errors import BreakersUnavailableError


class MemoryBreakers:
    """The states in memory. Set ``unavailable`` to take them away, call ``wipe`` to make them forgotten."""

    def __init__(self, clock: Clock) -> None:
        self.unavailable = False
        self.changes = 0
        """How often a worker asked or reported."""
        self._clock = clock
        self._kept: dict[str, bytes] = {}

    def wipe(self) -> None:
        """Forget everything."""
        self._kept.clear()

    async def change(self, dependency: str, change: Change[T]) -> T:
        """Change one state. Raises BreakersUnavailableError."""
        self._answering()
        self.changes += 1
        state, answer = change(unpacked(self._kept.get(dependency)), self._clock.now())
        self._kept[dependency] = packed(state)
        return answer

    async def states(self) -> Mapping[str, BreakerState]:
        """Return every state. Raises BreakersUnavailableError."""
        self._answering()
        found = {name: unpacked(kept) for name, kept in self._kept.items()}
        return {name: state for name, state in found.items() if state is not None}

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _answering(self) -> None:
        if self.unavailable:
            raise BreakersUnavailableError("the breakers in memory are away", why="a test took them away")
