"""Staleness: why a plan does not fit the mesh any more. Pure: the plan, and what the mesh looks like now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from farandole.engine.ports import Partition
from farandole.errors import StalePlanError
from farandole.replay.chosen import Chosen
from farandole.replay.plan import Plan

GOOD_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Now:
    """What a plan is held against: the cluster, the topics' ids (those that exist), the logs' starts, the handlers."""

    cluster: str
    topics: Mapping[str, str]
    starts: Mapping[Partition, int]
    digest: str
    at: datetime


def stale(plan: Plan, chosen: Chosen, now: Now, *, may_be_old: bool = False) -> Sequence[str]:
    """Return why the plan is stale, a sentence a reason; nothing where it is not."""
    if plan.cluster != now.cluster:
        return [f"it was made on cluster {plan.cluster}, and this is {now.cluster}"]
    reasons = []
    for topic, topic_id in plan.topics.items():
        if topic not in now.topics:
            reasons.append(f"the topic {topic} is gone")
        elif now.topics[topic] != topic_id:
            reasons.append(f"the topic {topic} was deleted and created again")
    for partition, span in chosen.spans.items():
        start = now.starts.get(partition, 0)
        if start > span.start:
            reasons.append(
                f"the log of {partition.topic}[{partition.number}] begins at {start} now: retention deleted a part of "
                f"what was planned from {span.start}"
            )
    if plan.digest != now.digest:
        reasons.append(f"the handlers of {plan.service} changed")
    if now.at - plan.made > GOOD_FOR and not may_be_old:
        reasons.append(f"it was made on {plan.made:%Y-%m-%d %H:%M} UTC, more than a day ago (--old takes it anyway)")
    return reasons


def demand_fresh(plan: Plan, chosen: Chosen, now: Now, *, may_be_old: bool = False) -> None:
    """Raise StalePlanError, naming every reason, where the plan does not fit the mesh any more."""
    reasons = stale(plan, chosen, now, may_be_old=may_be_old)
    if reasons:
        raise StalePlanError(
            f"the plan {plan.id} is stale",
            why="; ".join(reasons),
            do=f"farandole replay plan --service {plan.service} …   and run the new one",
        )
