"""Deed: one mischief and when its turn is; the list of them is the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Kill the process called ``victim``, or let the weather come where it is empty, once so many are accepted."""

    after: int
    victim: str = ""

    def __str__(self) -> str:
        what = f"kill -9 {self.victim}" if self.victim else "every outside system misbehaves"
        return f"{what}, from order {self.after} on"


def deeds(processes: Sequence[str], *, orders: int, seed: int) -> tuple[Deed, ...]:
    """Return the weather and one kill of each process in an order drawn from ``seed``, spread over the orders."""
    victims = sorted(processes)
    Random(seed).shuffle(victims)
    turns = ["", *victims]
    return tuple(
        Deed(after=max(1, orders * number // (len(turns) + 1)), victim=victim)
        for number, victim in enumerate(turns, start=1)
    )
