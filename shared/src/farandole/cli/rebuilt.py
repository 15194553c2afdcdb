"""Rebuilt: a rebuild from its plan to its end, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from farandole.errors import OperationError
from farandole.rebuild import Actor, Plan, Rebuilding


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a rebuild came to. ``served_by`` is empty where no process of the service has switched in time."""

    service: str
    generation: int
    former: int
    records: int
    served_by: tuple[str, ...]
    dropped: tuple[int, ...]
    left: tuple[int, ...]

    def __str__(self) -> str:
        lines = [f"generation {self.generation} of {self.service} is the current one, from {self.records:,} records"]
        if self.served_by:
            lines.append(f"  {', '.join(self.served_by)} answers from it")
        else:
            lines.append("  no process of the service has said yet that it answers from it; it does when it starts")
        if self.former not in self.dropped:
            lines.append(f"  generation {self.former} is kept: farandole replay rebuild undo --service {self.service}")
        if self.left:
            rest = ", ".join(map(str, self.left))
            lines.append(f"  still to be removed: {rest}: farandole replay rebuild drop --service {self.service}")
        return "\n".join(lines)


async def rebuilt(
    rebuilding: Rebuilding,
    plan: Plan,
    actor: Actor,
    *,
    tell: Callable[[int, int], None],
    keep: bool,
    wait: timedelta,
) -> Outcome:
    """Carry a plan out: build, switch, wait for the service, remove what is not kept. Raises what Rebuilding does.

    What a process still holds is left to `drop`: the switch has happened.
    """
    await rebuilding.build(plan, actor, tell)
    await rebuilding.switch(plan.generation, actor)
    served = await rebuilding.served(wait)
    dropped, left = [], []
    for number in (*plan.drops, *(() if keep else (plan.current,))):
        if number == plan.current and not served:
            left.append(number)  # for all that is known it still answers
            continue
        try:
            await rebuilding.drop(number, actor, within=wait)
        except OperationError:
            left.append(number)
        else:
            dropped.append(number)
    return Outcome(
        service=plan.service,
        generation=plan.generation,
        former=plan.current,
        records=plan.records,
        served_by=served,
        dropped=tuple(dropped),
        left=tuple(left),
    )


def shown(plan: Plan) -> str:
    """Return the plan in words."""
    begin = "the beginning of the logs" if plan.since is None else f"{plan.since:%Y-%m-%d %H:%M:%S %Z}"
    read = f"{plan.records:,} records of {len(plan.topics)} topics, since {begin}"
    lines = [
        f"generation {plan.generation} of {plan.service} is built from {read}; {plan.current} answers meanwhile",
    ]
    if plan.resumes:
        lines.append(f"  it was begun by {plan.resumes} and is gone on with")
    if plan.gone:
        lines.append(f"  {plan.gone:,} records are gone from the logs: what only they told will be missing")
    if plan.since is not None:
        lines.append("  what only earlier records told will be missing")
    if plan.drops:
        lines.append(f"  generation {', '.join(map(str, plan.drops))} goes for good at the end")
    return "\n".join(lines)
