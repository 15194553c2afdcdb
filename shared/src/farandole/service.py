"""Service: a named set of handlers, timers and observers, the providers they need, and the HTTP routes they serve."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, overload

from sqlalchemy import MetaData

from farandole.breaker import Dependency
from farandole.declaration import Declaration, declarations
from farandole.delivery import Delivery
from farandole.errors import StartError
from farandole.event import Event
from farandole.expectation import Expectation, expectation
from farandole.follow_on import Outcome
from farandole.handler import Handler, Observer, Timer, read_handler, read_observer, read_timer
from farandole.place import calling_place, place_of
from farandole.providers import Factory, Providers
from farandole.read_model import ReadModel
from farandole.recovery import Policy
from farandole.retry import Backoff
from farandole.signature import called_from, parameters_of, where

E = TypeVar("E", bound=Event)
P = ParamSpec("P")
R = TypeVar("R", bound=Outcome | Coroutine[Any, Any, Outcome])
T = TypeVar("T")
A = TypeVar("A", bound=Callable[..., Coroutine[Any, Any, Any]])
H = TypeVar("H", bound=Callable[..., Any])

DEFAULT_BACKOFF = Backoff()
DEFAULT_TIMEOUT = timedelta(seconds=30)


class Service:
    """What a service's author writes: handlers whose signatures are the topology.

    ``tables`` are the service's own tables; with them it has a store, hence an inbox and an outbox. A handler that
    calls an outside system, or whose outcome can differ from run to run, needs one. Registering is not thread-safe;
    it belongs to import time. Everything that does not fit together is refused at start with a StartError.

    With a ``read_model`` the service's store can be built again from history (``farandole replay rebuild``): all that
    it keeps comes from its observers. It has no handlers then, and no timer that emits.
    """

    def __init__(self, name: str, *, tables: MetaData | None = None, read_model: ReadModel | None = None) -> None:
        self.name = name
        self.tables = tables
        self.read_model = read_model
        self.providers = Providers()
        self._handlers: dict[type[Event], Handler] = {}
        self._timers: list[Timer] = []
        self._observers: list[Observer] = []
        self._expectations: dict[str, Expectation] = {}
        self._emissions: list[Declaration] = []
        self._hearings: list[Declaration] = []
        self._http: Factory | None = None

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """The handlers, in the order in which they were registered."""
        return tuple(self._handlers.values())

    @property
    def timers(self) -> tuple[Timer, ...]:
        """The timers, in the order in which they were registered."""
        return tuple(self._timers)

    @property
    def observers(self) -> tuple[Observer, ...]:
        """The observers, in the order in which they were registered."""
        return tuple(self._observers)

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """What must follow in a flow, in the order in which it was declared."""
        return tuple(self._expectations.values())

    @property
    def emissions(self) -> tuple[Declaration, ...]:
        """What `emits` declared, in that order."""
        return tuple(self._emissions)

    @property
    def hearings(self) -> tuple[Declaration, ...]:
        """What `hears` declared, in that order."""
        return tuple(self._hearings)

    @property
    def for_the_outbox(self) -> frozenset[type[Event]]:
        """The event types that the outbox takes: those that `emits` declared, and those that timers return."""
        returned = (event for timer in self._timers for event in timer.signature.emits)
        return frozenset((*(one.event for one in self._emissions), *returned))

    @property
    def http_factory(self) -> Factory | None:
        """What makes the service's own ASGI application, if it has one."""
        return self._http

    def on(
        self,
        event: type[E],
        *,
        depends_on: str | Dependency | tuple[str | Dependency, ...] = (),
        retry: Backoff = DEFAULT_BACKOFF,
        immediate: int = 0,
        timeout: timedelta = DEFAULT_TIMEOUT,
        order: Literal["key"] | None = None,
        stops: bool = False,
        on_replay: Literal["run", "skip"] = "skip",
    ) -> Callable[[Callable[Concatenate[E, P], R]], Callable[Concatenate[E, P], R]]:
        """Register the handler of one event type; a service has one handler a type.

        ``depends_on`` names the outside systems that the handler needs, as a Dependency where the settings of the
        breaker matter: what fails for their sake waits in memory and uses no attempt up. Of other failures
        ``immediate`` ones are tried again in memory, then ``retry`` applies. A run that takes longer than ``timeout``
        counts as failed. Deliveries of one key run one after another, in the order of their partition; those of
        different keys run concurrently.

        With ``order="key"`` that holds through retries too: what fails waits for its next attempt in memory, later
        events of its key wait behind it, other keys go on. It is exact across crashes, rebalances and a wiped Redis,
        as nothing behind a failing event is begun and its offset stays uncommitted. After ``retry.attempts`` the event
        becomes a dead letter and its key goes on; with ``stops`` the key stops instead: the event is tried again every
        ``retry.longest`` until it succeeds. A restart begins the count of attempts again.

        ``on_replay`` says what a replay ``again`` of an event that was handled means: nothing, or another run. Declare
        ``run`` where it was proved repeatable (`farandole.testing.assert_repeatable`): where it changes its own
        database only, and a further run leaves that as it is. What depends on an outside system cannot declare it. An
        event that is still retrying, or dead, is not run by a replay ahead of its own delivery.
        """

        def register(function: Callable[Concatenate[E, P], R]) -> Callable[Concatenate[E, P], R]:
            if event in self._handlers:
                raise StartError(
                    f"{self.name} handles {event.__name__} twice",
                    why=f"{where(self._handlers[event].function)} handles it already",
                    do="keep one handler an event type; call the second function from the first",
                    code="E113",
                )
            if stops and order is None:
                raise StartError(
                    f"{where(function)} stops, but keeps no order",
                    why="only a key whose order is kept can stop at an event",
                    do='add order="key", or leave stops out',
                    code="E126",
                )
            self._demand_no_read_model(function, "handles events")
            needs = depends_on if isinstance(depends_on, tuple) else (depends_on,)
            policy = Policy(backoff=retry, immediate=immediate, ordered=order == "key", stops=stops)
            handler = read_handler(
                event,
                function,
                policy=policy,
                timeout=timeout,
                depends_on=tuple(one if isinstance(one, Dependency) else Dependency(one) for one in needs),
                on_replay=on_replay,
            )
            self._demand_memory(handler)
            self._handlers[event] = handler
            return function

        return register

    def every(self, interval: timedelta) -> Callable[[A], A]:
        """Register a timer. It may take a UnitOfWork; what it returns goes through the outbox, in the same transaction.

        Each replica runs it, one run at a time, so its work must be due rows that are locked or taken.
        """

        def register(function: A) -> A:
            timer = read_timer(function, interval=interval)
            if self.tables is None:
                raise StartError(
                    f"the timer {where(function)} needs a store",
                    why="timers emit through the outbox",
                    do=f'give the service its tables: Service("{self.name}", tables=metadata)',
                    code="E114",
                )
            if timer.signature.emits:
                self._demand_no_read_model(function, "emits events")
            self._timers.append(timer)
            return function

        return register

    @overload
    def observe(self, function: A, /) -> A: ...
    @overload
    def observe(self, function: None = None, /, *, private: bool) -> Callable[[A], A]: ...
    def observe(self, function: A | None = None, /, *, private: bool = False) -> A | Callable[[A], A]:
        """Register an observer: it is given every delivery of every domain topic, in batches, and emits nothing.

        Delivery is at least once and without a ledger, so it must be idempotent. A batch on which it fails is given
        to it again until it succeeds.

        A ``private`` one, ``@service.observe(private=True)``, is given what lies on the private topics of every
        service besides (retries, redeliveries, dead letters; ``delivery.service`` is the topic's owner, and the attempt
        is believed), and the mesh's own topics of audit and outcomes, whose records are no events: their topic tells.
        Topics that are made later are found within ten seconds.
        """

        def register(function: A) -> A:
            self._observers.append(read_observer(function, private=private))
            return function

        return register if function is None else register(function)

    def expects(self, event: type[Event], *, then: type[Event] | tuple[type[Event], ...], within: timedelta) -> None:
        """Declare that after an event one of ``then`` happens in the same flow ``within`` a time.

        The console watches over it, from outside: nothing is sent, delayed or undone here. Time in which the mesh
        stands still or a service that could bring it about has a backlog does not count. Where the time is used up and
        nobody has anything of the flow left to read, the flow is *stuck*. The events may be any service's. Raises
        StartError where it makes no sense or is declared twice.
        """
        place = called_from()
        declared = expectation(self.name, event, then=then, within=within, place=place)
        if (known := self._expectations.get(declared.key)) is not None:
            raise StartError(
                f"{self.name} expects the same twice: {declared.name}",
                why=f"it is declared at {known.place} and at {place}",
                do="leave one of them out",
                code="E139",
            )
        self._expectations[declared.key] = declared

    def emits(self, *events: type[Event], by: Callable[..., Any] | None = None) -> None:
        """Declare event types that are emitted by no handler's and no timer's return type.

        Those are what an HTTP request, a webhook or other plain code puts into the outbox, which refuses every type
        that is not declared. ``by`` is the function that emits them; without it the declaration's own line stands for
        it. A service without a store may declare what it publishes by other means.
        """
        declared = declarations(events, place_of(by) if by is not None else calling_place())
        if self.tables is not None:
            self._demand_no_read_model(by or Service.emits, "emits events")
        self._emissions += (one for one in declared if one not in self._emissions)

    def hears(self, *events: type[Event], by: Callable[..., Any] | None = None) -> None:
        """Declare event types that the service consumes by other means than handlers and observers.

        Nothing is subscribed by this: it says what such code hears, to the topology and all that is made of it. ``by``
        is the function that hears them; without it the declaration's own line stands for it.
        """
        declared = declarations(events, place_of(by) if by is not None else calling_place())
        self._hearings += (one for one in declared if one not in self._hearings)

    @overload
    def provide(self, provided: type[T], factory: Factory | None = None) -> None: ...
    @overload
    def provide(self, provided: Any, factory: Factory | None = None) -> None: ...
    def provide(self, provided: Any, factory: Factory | None = None) -> None:
        """Register how a type is made: a factory that returns it, awaits to it or is an async context manager.

        The factory's own parameters are injected likewise. Without a factory the type itself is called.
        """
        self.providers.register(provided, factory or provided)

    def http(self, factory: H) -> H:
        """Register what makes the service's own ASGI application; its parameters are injected."""
        if self._http is not None:
            raise StartError(
                f"{self.name} has two HTTP applications",
                why="http() was called twice",
                do="mount them in one",
                code="E115",
            )
        self._http = factory
        return factory

    def check(self, given: frozenset[Any]) -> None:
        """Raise StartError unless everything that handlers, timers, observers and HTTP take can be provided."""
        wanted = [(handler.function, handler.injected) for handler in self.handlers]
        wanted += [(timer.function, timer.signature.parameters) for timer in self._timers]
        wanted += [(observer.function, observer.injected) for observer in self._observers]
        for function, parameters in wanted:
            for _, annotation in parameters:
                self.providers.check(annotation, for_whom=where(function), given=given | {Delivery})
        if self._http is not None:
            self._check_factory(self._http, given)

    def _check_factory(self, factory: Factory, given: frozenset[Any]) -> None:
        for _, annotation in parameters_of(factory):
            self.providers.check(annotation, for_whom=where(factory), given=given)

    def _demand_no_read_model(self, function: Callable[..., Any], does: str) -> None:
        if self.read_model is not None:
            raise StartError(
                f"{where(function)} {does}, but {self.name} is a read model",
                why="a rebuild reads history again: whatever it answered would come twice",
                do="keep what events say in an observer, or leave read_model out",
                code="E134",
            )

    def _demand_memory(self, handler: Handler) -> None:
        if handler.takes_work and self.tables is None:
            raise StartError(
                f"{where(handler.function)} takes a UnitOfWork but {self.name} has no store",
                why="the unit of work is a transaction of the service's own database",
                do=f'give the service its tables: Service("{self.name}", tables=metadata)',
                code="E116",
            )
        if handler.signature.several and self.tables is None:
            raise StartError(
                f"{where(handler.function)} may answer differently when it runs again",
                why="its return type is a union, an optional or an open tuple, and nothing remembers its outcome",
                do="give the service tables, so that the inbox remembers it",
                code="E117",
            )
