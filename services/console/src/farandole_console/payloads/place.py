"""Place: where a record lies, as links and forms say it: ``topic|partition|offset``. Pure."""

from __future__ import annotations

import re
from typing import Final

from farandole.delivery import Coordinates
from farandole.http.refusal import RequestRefusedError

_PLACE: Final = re.compile(
    r"(?P<topic>[A-Za-z0-9.][A-Za-z0-9._-]{0,248})\|(?P<partition>\d{1,6})\|(?P<offset>\d{1,18})"
)


def place_of(said: str) -> Coordinates:
    """Return the coordinates that a link says. Raises RequestRefusedError where it says none.

    What begins with an underscore is the brokers' or the mesh's own, and holds no event.
    """
    found = _PLACE.fullmatch(said) if said.isascii() else None
    if found is None:
        raise RequestRefusedError("a record is named as topic|partition|offset")
    return Coordinates(topic=found["topic"], partition=int(found["partition"]), offset=int(found["offset"]))


def written(at: Coordinates) -> str:
    """Return coordinates as `place_of` reads them."""
    return f"{at.topic}|{at.partition}|{at.offset}"
