"""What ``farandole replay`` shows: a plan, a receipt, where replays stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from farandole.cli.output import print_table, say
from farandole.replay.fate import Fate
from farandole.replay.plan import Plan
from farandole.replay.receipt import Receipt, kept_receipt
from farandole.replay.story import Story
from farandole.replay.words import WHY, standing


def show_plan(plan: Plan) -> None:
    """Print a plan."""
    counts = plan.counts
    head = [("service", f"{plan.service}, {plan.mode.value}")]
    if counts.first is not None and counts.last is not None:
        head += [("from", _moment(counts.first)), ("to", _moment(counts.last))]
    print_table(f"plan {plan.id}", ("", ""), head)
    print_table(
        "",
        ("records", "", "what becomes of them"),
        [
            (
                f"{counts.matched:,}",
                "matched",
                ", ".join(f"{count:,} {_short(name)}" for name, count in counts.types.items()),
            ),
            *((f"{counts.of(fate):,}", fate.value, WHY[fate]) for fate in Fate if counts.of(fate)),
        ],
    )
    if counts.runs:
        rows = [
            (one.handler, _short(one.type), f"{one.runs:,}", ", ".join(one.depends_on) or "-") for one in counts.runs
        ]
        print_table("handlers", ("handler", "hears", "runs", "outside systems"), rows)
    if counts.follow_ons or counts.unforeseen:
        rows = [(_short(one.type), f"{one.count:,}", f"{one.new:,}", _basis(one)) for one in counts.follow_ons]
        if counts.unforeseen:
            rows.append(("?", f"{counts.unforeseen:,}", "?", "handlers that may answer differently each time"))
        print_table("follow-ons, as the last time", ("type", "follow-ons", "new downstream", "told by"), rows)
    if counts.would_run:
        say(f"at {plan.rate:g}/s it takes {_time(plan.duration)} at least")
        say(f"next: farandole replay run {plan.id} --reason …")


def show_receipt(receipt: Receipt) -> None:
    """Print a receipt."""
    progress, outcome = receipt.progress, receipt.outcome
    since = ", ".join(f"{count:,} {Fate[name.upper()].value}" for name, count in progress.since.items())
    rows = [
        ("who", receipt.who),
        ("why", receipt.why),
        ("from, to", f"{_utc(receipt.began)}, {_utc(receipt.ended_at)} UTC"),
        ("planned", f"{progress.planned:,} of {receipt.matched:,} matched"),
        ("sent", f"{progress.sent:,}"),
        ("since the plan", since or "nothing changed"),
        *([("too large", ", ".join(progress.too_large))] if progress.too_large else []),
        ("not sent", f"{progress.left:,}"),
        ("done", f"{outcome.done:,}"),
        ("dead", f"{outcome.dead:,}" + (f": farandole dlq ls --service {receipt.service}" if outcome.dead else "")),
        ("retrying", f"{outcome.retrying:,}"),
        ("still waiting", f"{outcome.waiting:,}"),
    ]
    print_table(f"replay {receipt.plan} to {receipt.service}: {receipt.ended}", ("", ""), rows)


def show_story(story: Story, *, is_running: bool) -> None:
    """Print where one replay stands."""
    plan = story.plan
    rows = [
        ("state", standing(story, is_running=is_running)),
        ("service", f"{plan.service}, {plan.mode.value}"),
        ("planned", f"{plan.counts.would_run:,} at {_utc(plan.made)} UTC by {plan.by}"),
        ("sent", f"{story.sent:,} when that was last noted"),
    ]
    if story.began is not None:
        rows.append(("run", f"since {_utc(story.began)} UTC by {story.who}: {story.why}"))
    if story.wish:
        rows.append(("asked", f"to {story.wish}, by {story.wished_by}"))
    receipt = kept_receipt(story)
    if receipt is not None:
        outcome = msgspec.structs.asdict(receipt.outcome)
        rows.append(("outcome", ", ".join(f"{count:,} {name}" for name, count in outcome.items())))
    print_table(f"replay {plan.id}", ("", ""), rows)


def show_stories(stories: Sequence[tuple[Story, bool]]) -> None:
    """Print where several replays stand."""
    rows = [
        (
            one.plan.id,
            one.plan.service,
            one.plan.mode.value,
            standing(one, is_running=is_running),
            f"{one.plan.counts.would_run:,}",
            f"{one.sent:,}",
            one.who or one.plan.by,
            one.why,
        )
        for one, is_running in stories
    ]
    print_table("replays", ("plan", "service", "mode", "state", "planned", "sent", "who", "why"), rows)


def story_document(story: Story, *, is_running: bool) -> dict[str, Any]:
    """Return where a replay stands as it is printed for programs."""
    return {
        "plan": story.plan.id,
        "service": story.plan.service,
        "mode": story.plan.mode.value,
        "state": standing(story, is_running=is_running),
        "running": is_running,
        "planned": story.plan.counts.would_run,
        "sent": story.sent,
        "made": story.plan.made,
        "by": story.plan.by,
        "began": story.began,
        "who": story.who,
        "why": story.why,
        "asked": story.wish,
        "receipt": story.receipt,
    }


def _moment(moment: datetime) -> str:
    """Say a moment in UTC, and as it is said here, so that a slip of the zone shows."""
    return f"{_utc(moment)} UTC, {moment.astimezone():%H:%M:%S %Z} here"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _time(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return (
        f"{seconds:.1f} s"
        if seconds < 60
        else f"{seconds / 60:.1f} min"
        if seconds < 3600
        else f"{seconds / 3600:.1f} h"
    )


def _short(type_: str) -> str:
    return type_.rpartition(".")[2] or "without a type"


def _basis(one: Any) -> str:
    told = (("inbox", one.from_inbox), ("topics", one.from_topics), ("signature", one.from_signature))
    return ", ".join(f"{name} {count:,}" if count != one.count else name for name, count in told if count)
