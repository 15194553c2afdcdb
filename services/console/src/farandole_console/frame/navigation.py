"""Navigation: the places of the console, in the order in which they are listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An entry of the navigation.

    ``letter`` is the key that goes there; ``begins`` are the beginnings of the paths that lie beneath it.
    """

    name: str
    path: str
    letter: str
    begins: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Tell whether a path is this place, or lies beneath it."""
        return path == self.path or path.startswith(tuple(f"{one}/" for one in (*self.begins, self.path) if one != "/"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Places that belong together."""

    name: str
    places: tuple[Place, ...]


PARTS: Final[Sequence[Part]] = (
    Part(
        name="Mesh",
        places=(
            Place(name="Overview", letter="o", path="/"),
            Place(name="Topology", letter="m", path="/topology"),
            Place(name="Services", letter="s", path="/services"),
            Place(name="Breakers", letter="b", path="/breakers"),
        ),
    ),
    Part(
        name="Events",
        places=(
            Place(name="Flows", letter="f", path="/flows"),
            Place(name="Events", letter="e", path="/events"),
            Place(name="Dead letters", letter="d", path="/dead-letters"),
            Place(name="Replay", letter="r", path="/replay"),
            Place(name="Schemas", letter="c", path="/schemas"),
        ),
    ),
    Part(
        name="History",
        places=(Place(name="Jobs", letter="j", path="/jobs"), Place(name="Audit", letter="a", path="/audit")),
    ),
)
