"""What is told of a redrive: its plan before, its outcomes after, to people, programs and the audit topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farandole.cli.exit_code import ExitCode
from farandole.cli.output import print_json, printable, say
from farandole.clock import SystemClock
from farandole.desk import Redrive, Redriven, RedrivePlan
from farandole.operations import Operation, Outcome, Pace


def show_only_plan(
    plan: RedrivePlan, away: Mapping[str, Sequence[str]], redrive: Redrive, *, as_json: bool
) -> ExitCode:
    """Show what would be sent; return the exit status that says whether it is anything."""
    if as_json:
        print_json({**plan.document(), "away": away})
    else:
        show_plan(plan, redrive)
        for name, types in away.items():
            say(f"  {name} is away, which the handlers of {', '.join(types)} need: --force sends all the same")
    return ExitCode.CHANGES if plan.sends else ExitCode.OK


def show_plan(plan: RedrivePlan, redrive: Redrive) -> None:
    """Show what is about to be sent, how fast, and what is not and why."""
    lasts, count = Pace(redrive.rate, SystemClock()).duration(len(plan.sends)), len(plan.sends)
    say(f"to send again to {plan.service}: {count} events, {lasts.total_seconds():.0f} s at {redrive.rate:g}/s")
    for name, number in plan.types.items():
        say(printable(f"  {number} {name.rpartition('.')[2] or 'without a type'}"))
    if redrive.canary:
        say(f"  {min(redrive.canary, count)} first, and the others only if those are done")
    for reason, number in plan.held.items():
        say(f"  not sent, {number}: {reason}")


def tell_ended(operation: Operation, ended: Redriven, *, as_json: bool) -> None:
    """Tell how it ended, and what comes next."""
    if as_json:
        print_json({"operation": operation.id, "service": operation.service, **ended.counts, "stopped": ended.stopped})
        return
    say(f"redrive {operation.id}: " + ", ".join(f"{count} {name}" for name, count in ended.counts.items()))
    if ended.stopped:
        say(f"stopped: {ended.stopped}; farandole dlq ls --service {operation.service}")
    elif ended.outcomes.get(Outcome.DEAD):
        say(f"next: farandole dlq ls --service {operation.service}")
