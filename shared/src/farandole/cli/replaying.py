"""Replaying: a plan carried out at a terminal, and what other terminals ask of it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from farandole import installed
from farandole.cli import replay_tables as tables
from farandole.cli.acting import Acting
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home
from farandole.cli.mesh import mesh
from farandole.cli.output import print_json, say
from farandole.cli.progress import Progress as Bar
from farandole.cli.progress import progress
from farandole.clock import SystemClock
from farandole.contexts import Target
from farandole.operations import AuditTopic
from farandole.operations.audit_record import Wish
from farandole.replay.book import Book, Entry
from farandole.replay.executing import Execution, Executor
from farandole.replay.ground import opened
from farandole.replay.receipt import Outcome, Progress, Receipt, kept_receipt
from farandole.replay.story import Story
from farandole.replay.words import is_running_now, question

KIND = "replay"


async def found(target: Target, plan_id: str) -> Entry:
    """Return a whole plan. Raises UsageError where there is none of that id."""
    async with AuditTopic(target.connection) as audit:
        return await Book(audit).find(plan_id)


async def ask(target: Target, plan_id: str, wish: Wish, acting: Acting, *, as_json: bool) -> int:
    """Ask the process that runs a plan for something. Raises UsageError, OperationError."""
    who = acting.operation(KIND, "", needs_reason=False)
    async with AuditTopic(target.connection) as audit:
        book = Book(audit)
        story = (await book.find(plan_id)).story
        await book.ask(story, wish, who=who.claimed or who.who, why=who.why, at=datetime.now(UTC))
    is_running = await is_running_now(target, story)
    sent = f"{story.sent:,} of {story.plan.counts.would_run:,} were sent when that was last noted"
    say(f"asked to {wish}; {sent}" if is_running else f"noted: {wish}; no process runs it now; {sent}")
    if as_json:
        print_json({"plan": plan_id, "asked": wish, "running": is_running, "sent": story.sent})
    return ExitCode.OK


async def run_here(
    plan_id: str,
    target: Target,
    acting: Acting,
    context: str,
    home: Home,
    *,
    old: bool,
    wait: timedelta,
    as_json: bool,
) -> int:
    """Carry a plan out in this process. Raises what Executor.run does, and UsageError."""
    entry = await found(target, plan_id)
    story, plan = entry.story, entry.story.plan
    if story.state.is_final or not plan.counts.would_run:
        say(f"{plan_id} is {story.state.value}: nothing was done" if story.state.is_final else "nothing is to be sent")
        return _show_end(story, as_json=as_json)
    is_first = story.began is None
    operation = acting.operation(KIND, plan.service, needs_reason=is_first, context=target.context, id_=plan_id)
    if is_first:
        acting.make_sure(question(plan), word=plan.service if plan.needs_effects or target.production else "")
    service = installed.service(plan.service)
    full = mesh(context, home, [service])
    with _shown(plan_id, plan.counts.would_run) as shown:
        execution = Execution(operation=operation, may_be_old=old, wait=wait, tell=shown.tell, told=shown.told, say=say)
        async with opened(full, service) as ground, AuditTopic(full.connection) as audit:
            receipt = await Executor(ground, audit, entry, execution, clock=SystemClock()).run()
    _show_receipt(receipt, as_json=as_json)
    return _end_of(receipt)


def _show_end(story: Story, *, as_json: bool) -> ExitCode:
    receipt = kept_receipt(story)
    if receipt is not None:
        _show_receipt(receipt, as_json=as_json)
    elif as_json:
        print_json(tables.story_document(story, is_running=False))
    return ExitCode.OK


def _show_receipt(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.document())
    else:
        tables.show_receipt(receipt)


class _Shown:
    """The progress of a run on stderr."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._done = 0

    def tell(self, progress: Progress, why: str) -> None:
        """Show how far the sending is, and why it holds."""
        done = progress.planned - progress.left
        self._bar.note = why
        self._bar.advance(done - self._done)
        self._done = done

    def told(self, outcome: Outcome) -> None:
        """Show what became of what was sent."""
        open_ = outcome.waiting + outcome.retrying
        self._bar.note = f"all is sent; {outcome.done:,} done, {outcome.dead:,} dead, {open_:,} not yet"
        self._bar.advance(0)


@contextmanager
def _shown(plan_id: str, total: int) -> Generator[_Shown]:
    with progress(f"replay {plan_id}", total) as bar:
        yield _Shown(bar)


def _end_of(receipt: Receipt) -> ExitCode:
    if receipt.ended == "cancelled":
        return ExitCode.FAILED
    is_done = receipt.outcome.done == receipt.outcome.total
    is_all = receipt.progress.left == 0 and not receipt.progress.too_large
    return ExitCode.OK if is_done and is_all else ExitCode.CHECK_FAILED
