"""Places: of which services the dead letters are meant, and where they lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final

from cyclopts import Parameter

from farandole.cli.home import Home
from farandole.cli.mesh import Context, mesh
from farandole.desk import Place, opened, service_here, services_with_letters
from farandole.errors import UsageError

_TOPIC: Final = re.compile(r"(?P<service>.+)\.dlq(\||\[)")

OneService = Annotated[str, Parameter(help="The service whose dead letters are meant.")]
Group = Annotated[str, Parameter(help="Those that failed alike: a fingerprint of `farandole dlq ls`.")]


async def places(wanted: Sequence[str], *, home: Home, context: Context) -> Sequence[Place]:
    """Return the places of these services; of all that there are where none is named, installed here or not.

    Raises UsageError for one that is neither installed nor has a topic of dead letters.
    """
    target = mesh(context, home, [])
    there = await services_with_letters(target.connection)
    names = list(dict.fromkeys(wanted)) or [*there]
    services = {name: service_here(name) for name in names}
    unknown = [name for name in names if services[name] is None and name not in there]
    if unknown:
        raise UsageError(
            f"there is no service {unknown[0]}",
            why=f"it is not installed here, and the brokers have no topic {unknown[0]}.dlq",
            do=f"name one of {', '.join(there) or 'those that are installed'}",
            code="E551",
        )
    known = [one for one in services.values() if one is not None and one.name in there]
    told = mesh(context, home, known)
    return [Place(target=told, name=name, service=services[name]) for name in names if name in there]


async def place(service: str, names: Sequence[str], *, home: Home, context: Context) -> Place:
    """Return the one place that is meant: named, or told by coordinates, or the only service that has these letters."""
    told = service or next((found["service"] for found in map(_TOPIC.match, names) if found), "")
    found = await places([told] if told else [], home=home, context=context)
    if not told and names:
        found = [one for one in found if await _has(one, names)]
    if len(found) == 1:
        return found[0]
    if told or not found:
        raise UsageError(
            f"nothing is dead in {told or 'any service'}" + (f" that is called {', '.join(names)}" if names else ""),
            why="the brokers have no such dead letter",
            do="farandole dlq ls --all",
            code="E550",
        )
    raise UsageError(
        "which service?",
        why=f"dead letters of {', '.join(one.name for one in found)} may be meant",
        do=f"add --service {found[0].name}",
        code="E551",
    )


async def _has(one: Place, names: Sequence[str]) -> bool:
    async with opened(one) as (_, board):
        return any(board.called(name) for name in names)
