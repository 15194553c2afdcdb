"""An exhaustive model of the ledger: two copies of one event, retries, redrives, crashes, a zombie worker, a wipe.

The world (Kafka's logs, workers, their crashes) is modelled; the ledger's rules are the product's own, or a mutant of
them. Every history up to the given numbers of faults is explored, and each property is checked in every state:

- *lost*: everybody is idle, every offset is committed, and the event is neither handled nor dead;
- *doubled*: two deliveries were handled although nothing failed;
- *unannounced*: a retry record was published that the ledger does not know of;
- *undone*: an entry that was done is not done any more.

Completions and dead letters are sets and the retry log is bounded, so that every mutant ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from farandole.delivery import Coordinates
from farandole.ledger import Claim, Entry, Settle, State, Verdict
from farandole.ledger import rules as product

MAX_ATTEMPT = 1
LONGEST_RETRY_LOG = 5
KEY = b"the-event-itself"
PLACES = (
    Coordinates(topic="orders", partition=0, offset=0),
    Coordinates(topic="orders", partition=1, offset=0),
    *(Coordinates(topic="payments.retry.1", partition=0, offset=offset) for offset in range(LONGEST_RETRY_LOG)),
)
FIRST, SECOND, RETRIES = 0, 1, 2
"""The partitions: each copy of the event has its own; retry records and redrives share one of the service's own."""

Decide = Callable[[Entry | None, Claim], tuple[Entry, Verdict]]
Apply = Callable[[Entry | None, Settle], tuple[Entry | None, bool]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """The ledger's rules, or a mutant of them."""

    decide: Decide = product.decide
    apply: Apply = product.apply


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """How often what may go wrong; ``wipes`` lose the whole ledger, ``expiries`` an entry that is not done."""

    crashes: int = 0
    zombie: bool = False
    redrives: int = 1
    wipes: int = 0
    expiries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Workers:
    """How workers behave; the defaults are the protocol, everything else is a mutant."""

    commit_when_refused: bool = False
    publish_first: bool = False
    epoch_fence: bool = True
    assignment_fence: bool = True
    group_before_epoch: bool = False


class Worker(NamedTuple):
    partition: int
    step: str = "idle"
    offset: int = 0
    attempt: int = 0
    epoch: int = 0


class World(NamedTuple):
    logs: tuple[tuple[int, ...], ...]
    committed: tuple[int, ...]
    entry: Entry | None
    workers: tuple[Worker, ...]
    faults: Faults
    epoch: int = 0
    reassigned: bool = False
    completions: frozenset[Coordinates] = frozenset()
    dead_letters: frozenset[int] = frozenset()


Operation = Claim | Settle | None


class Step(NamedTuple):
    """One thing that happens, and the world after it.

    Where the ledger is asked: the question, the epoch it is asked in, and the answer (None: refused for its epoch).
    """

    name: str
    after: World
    operation: Operation = None
    epoch: int = 0
    answer: Verdict | bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What an exploration found: how many states, and the shortest history to each broken property."""

    states: int
    broken: dict[str, list[Step]]


@dataclass(frozen=True, kw_only=True)
class Model:
    """The world under some rules, workers and faults."""

    rules: Rules = field(default_factory=Rules)
    workers: Workers = field(default_factory=Workers)
    faults: Faults = field(default_factory=Faults)
    longest_log: int = LONGEST_RETRY_LOG

    def __post_init__(self) -> None:
        # The same few hundred questions come up in every state: asking each once makes the exploration fast.
        object.__setattr__(self, "_decide", cache(self.rules.decide))
        object.__setattr__(self, "_apply", cache(self.rules.apply))

    _decide: Decide = field(init=False, repr=False)
    _apply: Apply = field(init=False, repr=False)

    @property
    def start(self) -> World:
        """Both copies lie in their logs, nobody has fetched anything."""
        partitions = (FIRST, SECOND, RETRIES, *((FIRST,) if self.faults.zombie else ()))
        return World(
            logs=((0,), (0,), ()),
            committed=(0, 0, 0),
            entry=None,
            workers=tuple(Worker(partition) for partition in partitions),
            faults=self.faults,
            reassigned=not self.faults.zombie,
        )

    def explore(self, *, until: str | None = None) -> Found:
        """Explore every history, breadth first; stop early once the property ``until`` is broken."""
        start = self.start
        came: dict[World, tuple[World, Step] | None] = {start: None}
        queue, broken = deque([start]), dict[str, World]()
        while queue and until not in broken:
            world = queue.popleft()
            if self._lost(world):
                broken.setdefault("lost", world)
            for step in self.steps(world):
                if step.after not in came:
                    came[step.after] = (world, step)
                    queue.append(step.after)
                for name in self._breaches(world, step):
                    broken.setdefault(name, step.after)
        return Found(states=len(came), broken={name: _history(came, world) for name, world in broken.items()})

    def steps(self, world: World) -> Iterator[Step]:
        """Everything that may happen next."""
        for index in range(len(world.workers)):
            yield from self._work(world, index)
        yield from self._accidents(world)

    def _work(self, world: World, index: int) -> Iterator[Step]:
        worker = world.workers[index]

        def become(step: str, **changes: object) -> World:
            moved = worker._replace(step=step) if step != "idle" else _rested(worker, index)
            workers = (*world.workers[:index], moved, *world.workers[index + 1 :])
            return world._replace(workers=workers, **changes)  # type: ignore[arg-type]

        place = _place(worker.partition, worker.offset)
        match worker.step:
            case "idle":
                yield from self._fetch(world, index)
                return
            case "run":
                yield Step("succeed", become("published", completions=world.completions | {place}))
                yield from self._fail(world, worker, become)
            case "published":
                yield self._settle(world, worker, State.DONE, "commit", become)
            case "reretry":
                if len(world.logs[RETRIES]) < self.longest_log:
                    yield Step("publish retry", become("commit", logs=_retried(world, worker.attempt + 1)))
            case "redead":
                letters = world.dead_letters | {worker.attempt}
                yield Step("publish dead letter", become("commit", dead_letters=letters))
            case "drop" | "commit":
                yield Step("commit", become("idle", committed=self._commit(world, index)))
        if world.faults.crashes:
            yield Step("crash", become("idle", faults=_less(world.faults, "crashes")))

    def _fetch(self, world: World, index: int) -> Iterator[Step]:
        worker = world.workers[index]
        offset = world.committed[worker.partition]
        waits = index == FIRST and not world.reassigned
        # Who meets another epoch abandons everything, joins the epoch and *then* the group: what is assigned to it is
        # assigned within that epoch. The other way round a partition may be lost in between, and be claimed anyway.
        stale = _lost_it(world, index) and worker.epoch != world.epoch
        expelled = stale and self.workers.epoch_fence and not self.workers.group_before_epoch
        if waits or expelled or offset >= len(world.logs[worker.partition]):
            return
        attempt = world.logs[worker.partition][offset]
        claim = Claim(key=KEY, attempt=attempt, coordinates=_place(worker.partition, offset))
        entry, verdict = self._decide(world.entry, claim)
        moved = Worker(worker.partition, _STEPS[verdict], offset, attempt, world.epoch)
        workers = (*world.workers[:index], moved, *world.workers[index + 1 :])
        yield Step("claim", world._replace(entry=entry, workers=workers), claim, world.epoch, verdict)

    def _fail(self, world: World, worker: Worker, become: Callable[..., World]) -> Iterator[Step]:
        if worker.attempt >= MAX_ATTEMPT:
            yield self._settle(world, worker, State.DEAD, "redead", become)
        elif not self.workers.publish_first:
            yield self._settle(world, worker, State.RETRY, "reretry", become)
        elif len(world.logs[RETRIES]) < self.longest_log:
            yield Step("publish retry", become("commit", logs=_retried(world, worker.attempt + 1)))

    def _settle(self, world: World, worker: Worker, state: State, then: str, become: Callable[..., World]) -> Step:
        place = _place(worker.partition, worker.offset)
        settle = Settle(key=KEY, attempt=worker.attempt, coordinates=place, state=state)
        if self.workers.epoch_fence and worker.epoch != world.epoch:
            return Step("settle in a past epoch", become("idle"), settle, worker.epoch)
        entry, accepted = self._apply(world.entry, settle)
        refused = "commit" if self.workers.commit_when_refused else "idle"
        after = become(then if accepted else refused, entry=entry)
        return Step(f"settle {state.name}", after, settle, worker.epoch, accepted)

    def _commit(self, world: World, index: int) -> tuple[int, ...]:
        """Kafka takes the commit of the assignment that fetched it; unfenced, the highest offset stands."""
        worker = world.workers[index]
        if _lost_it(world, index) and self.workers.assignment_fence:
            return world.committed
        committed = list(world.committed)
        committed[worker.partition] = max(committed[worker.partition], worker.offset + 1)
        return tuple(committed)

    def _accidents(self, world: World) -> Iterator[Step]:
        if not world.reassigned:
            yield Step("reassign", world._replace(reassigned=True))
        if world.faults.wipes:
            wiped = world._replace(entry=None, epoch=world.epoch + 1, faults=_less(world.faults, "wipes"))
            yield Step("wipe", wiped)
        if world.faults.expiries and world.entry is not None and world.entry.state is not State.DONE:
            yield Step("expire", world._replace(entry=None, faults=_less(world.faults, "expiries")))
        if world.faults.redrives and len(world.logs[RETRIES]) < self.longest_log:
            for attempt in world.dead_letters:
                faults = _less(world.faults, "redrives")
                yield Step("redrive", world._replace(logs=_retried(world, attempt + 1), faults=faults))

    def _lost(self, world: World) -> bool:
        idle = all(worker.step == "idle" for worker in world.workers)
        if not idle or any(done < len(log) for done, log in zip(world.committed, world.logs, strict=True)):
            return False
        forgot = (world.faults.wipes, world.faults.expiries) != (self.faults.wipes, self.faults.expiries)
        if forgot:
            return not (world.completions or world.dead_letters)
        entry = world.entry
        if entry is None:
            return True
        handled = entry.state is State.DONE and world.completions
        dead = entry.state is State.DEAD and entry.attempt in world.dead_letters
        return not (handled or dead)

    def _breaches(self, before: World, step: Step) -> Iterator[str]:
        after = step.after
        unharmed = after.faults.crashes == self.faults.crashes and not self.faults.zombie and after.epoch == 0
        if len(after.completions) > 1 and unharmed and after.faults.expiries == self.faults.expiries:
            yield "doubled"
        known = after.entry.attempt if after.entry else 0
        if step.name == "publish retry" and after.epoch == 0 and known < after.logs[RETRIES][-1]:
            yield "unannounced"
        was_done = before.entry is not None and before.entry.state is State.DONE
        if was_done and step.name != "wipe" and (after.entry is None or after.entry.state is not State.DONE):
            yield "undone"


_STEPS = {
    Verdict.RUN: "run",
    Verdict.DROP: "drop",
    Verdict.REPUBLISH_RETRY: "reretry",
    Verdict.REPUBLISH_DEAD: "redead",
}


def _lost_it(world: World, index: int) -> bool:
    """Tell whether this is the zombie, and its partition somebody else's."""
    return index > RETRIES and world.reassigned


def _rested(worker: Worker, index: int) -> Worker:
    """Return the worker without its delivery; only of the zombie it matters which epoch it had joined."""
    return Worker(worker.partition, epoch=worker.epoch if index > RETRIES else 0)


def _place(partition: int, offset: int) -> Coordinates:
    return PLACES[partition + offset]


def _retried(world: World, attempt: int) -> tuple[tuple[int, ...], ...]:
    return (*world.logs[:RETRIES], (*world.logs[RETRIES], attempt))


@cache
def _less(faults: Faults, which: str) -> Faults:
    left = {name: getattr(faults, name) for name in Faults.__dataclass_fields__}
    left[which] -= 1
    return Faults(**left)


def _history(came: dict[World, tuple[World, Step] | None], world: World) -> list[Step]:
    steps: list[Step] = []
    reached = came[world]
    while reached is not None:
        world, step = reached
        steps.append(step)
        reached = came[world]
    return steps[::-1]
