"""Mutants of the engine: each is one small change of its source that breaks one rule of the protocol.

A mutant names a function, the words in it that it changes, and what it puts in their place. The function is compiled
anew from its own source with that change, in its own module, and put where it was. So a mutant is always today's
engine but for those words; where they are no longer there, it cannot be applied, and says so.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest


class MutantDoesNotApplyError(Exception):
    """The words that a mutant changes are not in the function, or not once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Catching:
    """The test that has to catch a mutant: its file below the root, its name, and the parameters that it is given."""

    file: str
    test: str
    given: dict[str, str] = field(default_factory=dict)
    """Parameter to the name, in the test's own module, of what is given for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One changed function, ``module:qualified.name``, and who catches it."""

    name: str
    target: str
    old: str
    new: str
    caught_by: Catching

    def __str__(self) -> str:
        return self.name

    def apply(self, patch: pytest.MonkeyPatch) -> None:
        """Put the changed function into the engine, for as long as the patch lasts. Raises MutantDoesNotApplyError."""
        module, holder, name = self._found()
        original = inspect.getattr_static(holder, name)
        function = original.fget if isinstance(original, property) else original
        scope = vars(module)
        before = dict(scope)
        exec(compile(self._changed(function), f"<mutant {self.name}>", "exec", dont_inherit=True), scope)
        changed = scope[name]
        scope.clear()
        scope.update(before)
        if isinstance(holder, ModuleType):
            for user in [one for one in list(sys.modules.values()) if vars(one).get(name) is original]:
                patch.setattr(user, name, changed)
        else:
            patch.setattr(holder, name, changed)

    def _found(self) -> tuple[ModuleType, Any, str]:
        where, _, path = self.target.partition(":")
        module = importlib.import_module(where)
        *outer, name = path.split(".")
        holder: Any = module
        for part in outer:
            holder = getattr(holder, part)
        return module, holder, name

    def _changed(self, function: Any) -> str:
        source = textwrap.dedent(inspect.getsource(function))
        if source.count(self.old) != 1:
            raise MutantDoesNotApplyError(f"{self.name}: {self.target} has {self.old!r} {source.count(self.old)} times")
        return "from __future__ import annotations\n" + source.replace(self.old, self.new)


STEPS = "shared/tests/engine/test_the_order_of_steps.py"
ORDER = "tests/conformance/engine/test_order_per_key.py"
DELIVERY = "tests/conformance/engine/test_delivery_conformance.py"
AGAIN = "tests/conformance/engine/test_an_event_is_handled_again.py"
PRIVATE = "shared/tests/engine/test_what_private_records_may_claim.py"
EMITTED = "shared/tests/engine/test_what_a_replay_may_not_do.py"
PROCESSOR = "farandole.engine.processor:Processor"

MUTANTS = (
    Mutant(
        name="skip the claim",
        target="farandole.engine.worker:Worker._put",
        old="await claimed",
        new="(type((await claimed)[0]).RUN, False)",
        caught_by=Catching(file=STEPS, test="test_copies_of_an_event_in_one_batch_and_in_another_are_handled_once"),
    ),
    Mutant(
        name="claim without the coordinates",
        target="farandole.engine.processor:claim_of",
        old="coordinates=delivery.coordinates",
        new="coordinates=type(delivery.coordinates)(topic='', partition=0, offset=0)",
        caught_by=Catching(file=STEPS, test="test_copies_of_an_event_in_one_batch_and_in_another_are_handled_once"),
    ),
    Mutant(
        name="settle done early",
        target=f"{PROCESSOR}._done",
        old="    await self._publish(\n",
        new="    await self._settle(admitted.delivery, State.DONE)\n    await self._publish(\n",
        caught_by=Catching(
            file=STEPS,
            test="test_a_crash_before_the_follow_ons_are_acknowledged_loses_none_of_them",
            given={"kind": "plain"},
        ),
    ),
    Mutant(
        name="commit before the acknowledgement",
        target=f"{PROCESSOR}.process",
        old="tries, pause = Tries(), FIRST_PAUSE\n",
        new="tries, pause = Tries(), FIRST_PAUSE\n    self._source.finish(admitted.delivery.record)\n",
        caught_by=Catching(
            file=STEPS,
            test="test_a_crash_before_the_follow_ons_are_acknowledged_loses_none_of_them",
            given={"kind": "stored"},
        ),
    ),
    Mutant(
        name="commit after a refused settle",
        target=f"{PROCESSOR}.process",
        old="while not await self._obeyed(admitted, verdict, tries, pause):",
        new="await self._obeyed(admitted, verdict, tries, pause)\n    while False:",
        caught_by=Catching(
            file=STEPS, test="test_after_a_refused_done_the_delivery_is_claimed_again_before_it_is_committed"
        ),
    ),
    Mutant(
        name="retry written although refused",
        target=f"{PROCESSOR}._retry",
        old="if not await self._settle(admitted.delivery, State.RETRY):\n        return False\n",
        new="await self._settle(admitted.delivery, State.RETRY)\n",
        caught_by=Catching(
            file=STEPS, test="test_after_a_refused_retry_no_retry_record_is_written_until_the_ledger_agrees"
        ),
    ),
    Mutant(
        name="dead written although refused",
        target=f"{PROCESSOR}._dead",
        old="if not await self._settle(admitted.delivery, State.DEAD):\n        return False\n",
        new="await self._settle(admitted.delivery, State.DEAD)\n",
        caught_by=Catching(
            file=STEPS, test="test_after_a_refused_dead_no_dead_letter_is_written_until_the_ledger_agrees"
        ),
    ),
    Mutant(
        name="retry announced after the record",
        target=f"{PROCESSOR}._retry",
        old="if not await self._settle(admitted.delivery, State.RETRY):\n        return False\n"
        "    await self._publish_retry(admitted, report, delay)\n",
        new="await self._publish_retry(admitted, report, delay)\n"
        "    if not await self._settle(admitted.delivery, State.RETRY):\n        return False\n",
        caught_by=Catching(
            file=STEPS,
            test="test_a_retry_that_was_announced_is_written_after_a_crash_and_the_handler_does_not_run_for_it",
        ),
    ),
    Mutant(
        name="dead written after the record",
        target=f"{PROCESSOR}._dead",
        old="if not await self._settle(admitted.delivery, State.DEAD):\n        return False\n"
        "    await self._publish_dead(admitted, report)\n",
        new="await self._publish_dead(admitted, report)\n"
        "    if not await self._settle(admitted.delivery, State.DEAD):\n        return False\n",
        caught_by=Catching(
            file=STEPS,
            test="test_a_dead_letter_that_was_announced_is_written_after_a_crash_and_the_handler_does_not_run_for_it",
            given={"kind": "plain"},
        ),
    ),
    Mutant(
        name="tombstone skipped",
        target=f"{PROCESSOR}._note",
        old="store = self._store",
        new="store = None",
        caught_by=Catching(
            file=STEPS, test="test_what_was_given_up_is_not_handled_by_whoever_had_it_too_when_the_ledger_forgot"
        ),
    ),
    Mutant(
        name="epoch unchecked",
        target="farandole.engine.session:LedgerSession._exchange_once",
        old="self._lost.set()\n        for tell in self._on_lost:\n            tell()\n",
        new="self._epoch = await self._ledger.join()\n",
        caught_by=Catching(
            file=STEPS, test="test_what_is_in_flight_when_the_ledger_is_wiped_is_abandoned_and_fetched_again"
        ),
    ),
    Mutant(
        name="commit over a gap",
        target="farandole.engine.tracker:Tracker._position",
        old="next(iter(self._unfinished), self._begun)",
        new="self._begun",
        caught_by=Catching(
            file="shared/tests/engine/test_tracker.py",
            test="test_nothing_is_committed_before_the_first_offset_is_finished",
        ),
    ),
    Mutant(
        name="commit for an assignment that ended",
        target="farandole.kafka.assignments:Assignments.finish",
        old="self._by_number.get(number)",
        new="next(iter(self._by_number.values()), None)",
        caught_by=Catching(
            file="shared/tests/kafka/test_assignments_that_ended.py",
            test="test_what_was_fetched_before_a_partition_went_away_commits_nothing_when_it_is_back",
        ),
    ),
    Mutant(
        name="forget pauses on assign",
        target="farandole.kafka.holding:Holding.take",
        old="self._switch(consumer, partition)",
        new="pass",
        caught_by=Catching(
            file="tests/conformance/engine/test_members_that_come_and_go.py",
            test="test_a_partition_that_comes_after_it_was_asked_to_wait_waits",
        ),
    ),
    Mutant(
        name="no jitter",
        target="farandole.retry:Backoff.delay",
        old=" * random.random()",
        new="",
        caught_by=Catching(
            file="shared/tests/engine/test_recovery.py",
            test="test_delays_are_spread_so_that_a_crowd_does_not_come_back_at_once",
        ),
    ),
    Mutant(
        name="a retry before it is due",
        target="farandole.engine.worker:Worker._admit",
        old="admitted.delivery.due > self._clock.now()",
        new="False",
        caught_by=Catching(
            file="shared/tests/engine/test_what_private_records_may_claim.py",
            test="test_a_retry_after_a_year_waits_as_long_as_the_longest_backoff_and_not_at_all_less",
        ),
    ),
    Mutant(
        name="a held key released early",
        target=f"{PROCESSOR}._run",
        old="await self._hold_back(admitted.delivery, tries, delay)\n                return False",
        new="return await self._retry(admitted, result.report, delay)",
        caught_by=Catching(file=ORDER, test="test_what_fails_holds_back_its_key_and_no_other", given={"kind": "plain"}),
    ),
    Mutant(
        name="attempts believed on a domain topic",
        target="farandole.engine.intake:Intake.admit",
        old="_private_headers(record.headers) if private else {}",
        new="_private_headers(record.headers)",
        caught_by=Catching(file=DELIVERY, test="test_attempt_headers_are_not_believed_on_a_domain_topic"),
    ),
    Mutant(
        name="a replay claims the event's own key",
        target="farandole.engine.processor:claim_of",
        old="delivery.event_id, delivery.replay_id",
        new="delivery.event_id",
        caught_by=Catching(
            file=AGAIN, test="test_it_runs_once_more_and_nobody_downstream_hears_of_it", given={"kind": "plain"}
        ),
    ),
    Mutant(
        name="a replay finds the event's own inbox row",
        target="farandole.engine.attempt:Attempt.run",
        old="inbox_id(delivery.event_id, delivery.replay_id)",
        new="inbox_id(delivery.event_id)",
        caught_by=Catching(
            file=AGAIN, test="test_it_runs_once_more_and_nobody_downstream_hears_of_it", given={"kind": "stored"}
        ),
    ),
    Mutant(
        name="a replay keeps no inbox row of its own",
        target="farandole.engine.attempt:Attempt._run_in_transaction",
        old="inbox_id(delivery.event_id, delivery.replay_id)",
        new="inbox_id(delivery.event_id + 'x')",
        caught_by=Catching(file=AGAIN, test="test_the_inbox_knows_of_it_when_the_ledger_has_forgotten"),
    ),
    Mutant(
        name="follow-ons published without a cascade",
        target="farandole.engine.encoder:Encoder.follow_ons",
        old="not delivery.replay.cascade",
        new="False",
        caught_by=Catching(
            file=AGAIN, test="test_it_runs_once_more_and_nobody_downstream_hears_of_it", given={"kind": "plain"}
        ),
    ),
    Mutant(
        name="a cascade under the ids of the event itself",
        target="farandole.engine.encoder:Encoder._encode",
        old="if delivery.replay is not None:",
        new="if delivery is None:",
        caught_by=Catching(
            file=AGAIN,
            test="test_with_a_cascade_its_follow_ons_are_published_under_ids_of_the_replays_own",
            given={"kind": "plain"},
        ),
    ),
    Mutant(
        name="everything runs in a replay",
        target="farandole.handler:Handler.runs_in",
        old="replay is None or ",
        new="True or ",
        caught_by=Catching(
            file=AGAIN, test="test_what_touches_an_outside_system_runs_with_effects_alone_and_under_the_events_own_id"
        ),
    ),
    Mutant(
        name="a replay ahead of a live retry",
        target="farandole.engine.rerun:_is_open",
        old="entry is not None and entry.state is not State.DONE",
        new="False",
        caught_by=Catching(
            file=AGAIN,
            test="test_it_is_not_run_ahead_of_a_live_retry_which_would_find_its_work_done_and_answer_nothing",
        ),
    ),
    Mutant(
        name="a replay of what the inbox calls dead",
        target="farandole.engine.rerun:_is_open",
        old='return remembered.state == "tombstone"',
        new="return False",
        caught_by=Catching(file=AGAIN, test="test_what_is_dead_is_left_to_a_redrive"),
    ),
    Mutant(
        name="a skipped delivery is not kept in the inbox",
        target=f"{PROCESSOR}._skip",
        old="known = await self._note(admitted.delivery, Store.skip)",
        new="known = None",
        caught_by=Catching(
            file=AGAIN,
            test="test_a_handler_that_does_not_declare_it_is_skipped_and_its_delivery_is_settled",
            given={"kind": "stored"},
        ),
    ),
    Mutant(
        name="a dead letter leaves its replay",
        target="farandole.dead_letters:private_headers",
        old="operation_headers(delivery.operation, delivery.replay)",
        new="()",
        caught_by=Catching(
            file=AGAIN, test="test_its_retries_and_its_dead_letter_stay_in_the_replay_and_so_does_a_redrive"
        ),
    ),
    Mutant(
        name="an id that imitates a replay is believed",
        target="farandole.engine.intake:_is_believable",
        old="SEPARATOR in value",
        new="False",
        caught_by=Catching(file=AGAIN, test="test_an_id_that_looks_like_that_of_a_replay_is_not_believed"),
    ),
    Mutant(
        name="a replay believed on a domain topic",
        target="farandole.engine.intake:Intake.admit",
        old="own = _private_headers(record.headers) if private else {}",
        new="own = _private_headers(record.headers)",
        caught_by=Catching(file=AGAIN, test="test_headers_of_a_replay_mean_nothing_on_a_domain_topic"),
    ),
    Mutant(
        name="a replay without a name is a live delivery",
        target="farandole.engine.intake:Intake.admit",
        old="names.REPLAY in own and",
        new="False and",
        caught_by=Catching(
            file=PRIVATE,
            test="test_a_replay_that_cannot_be_named_is_refused_and_takes_nobodys_place",
            given={"name": "UNNAMED"},
        ),
    ),
    Mutant(
        name="a handler fills the outbox in a replay",
        target="farandole.outbox:Outbox.add",
        old="if replay is not None:",
        new="if replay is None and event_id is None:",
        caught_by=Catching(
            file=EMITTED,
            test="test_what_it_puts_into_the_outbox_follows_the_rule_of_follow_ons",
            given={"cascade": "WITHOUT", "expected": "NOTHING_MORE"},
        ),
    ),
    Mutant(
        name="breaker ignored",
        target="farandole.engine.gate:Gate._through_all",
        old="permit = await (self._within_patience(door, visitor) if permits else door.enter(visitor))",
        new="return NO_PASSAGE",
        caught_by=Catching(
            file="shared/tests/breaker/test_an_outage_is_waited_for.py",
            test="test_nothing_is_retried_or_given_up_for_an_outage_and_the_dead_are_left_alone",
        ),
    ),
    Mutant(
        name="claimed before its type is told",
        target="farandole.engine.intake:Admitted.is_untold",
        old="untyped and _schema_id(self.delivery.record.value) is not None",
        new="False",
        caught_by=Catching(
            file="shared/tests/engine/test_schemas_that_only_a_registry_knows.py",
            test="test_what_is_not_heard_takes_no_events_place_in_the_ledger",
        ),
    ),
)
