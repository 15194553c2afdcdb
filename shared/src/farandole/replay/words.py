"""Words: what a plan and its story are in sentences, at a terminal and on a page alike."""

from __future__ import annotations

from typing import Final

from farandole.contexts import Target
from farandole.operations.lease import holder
from farandole.replay.fate import Fate
from farandole.replay.plan import Plan
from farandole.replay.story import State, Story

WHY: Final = {
    Fate.RUN: "sent by `replay run`",
    Fate.HANDLED: "would be dropped, so not sent",
    Fate.ON_THEIR_WAY: "in flight, retrying, parked or waiting: delivered anyway",
    Fate.DEAD: "left to the dead letters: farandole dlq",
    Fate.MISSING: "again does not send it: --mode missing does",
    Fate.NOT_PROVABLE: "perhaps handled, and forgotten: --include-not-provable sends it",
    Fate.SKIPPED: 'its handler declares no on_replay="run"',
    Fate.UNHEARD: "no handler of this service hears its type",
    Fate.TOO_LARGE: "no private topic takes it, so it cannot be delivered again",
    Fate.REPEATED: "a further record of an event above",
}
"""What becomes of the records of each fate."""


def question(plan: Plan) -> str:
    """Return what is asked before a plan is run."""
    counts = plan.counts
    outside = f", {counts.outside:,} of them with effects on outside systems" if counts.outside else ""
    new = f"; {counts.new_downstream:,} follow-ons are new downstream" if counts.new_downstream else ""
    return f"deliver {counts.would_run:,} records to {plan.service} again{outside}{new}"


def standing(story: Story, *, is_running: bool) -> str:
    """Return the word for where a replay stands: what the records say may have been interrupted."""
    if story.state in {State.RUNNING, State.PAUSED, State.FAILED} and not is_running:
        return "interrupted"
    return story.state.value


async def is_running_now(target: Target, story: Story) -> bool:
    """Tell whether a process runs the plan at this moment. Raises LedgerUnavailableError."""
    cluster = await target.cluster_id()
    operation = await holder(target.redis_url, cluster=cluster, service=story.plan.service)
    return operation is not None and operation.id == story.plan.id
