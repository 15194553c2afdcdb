"""Handler: the function of a service for one event type (Message Endpoint), with everything its signature says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from farandole.breaker import Dependency
from farandole.delivery import Delivery, Replay
from farandole.errors import StartError
from farandole.event import Event
from farandole.recovery import Policy
from farandole.signature import Signature, parameters_of, read_signature, where
from farandole.store import UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Handler:
    """One handler: what it hears, what it may emit, what it is given, and how its failures are taken."""

    name: str
    event: type[Event]
    function: Callable[..., Any]
    signature: Signature
    is_async: bool
    policy: Policy
    timeout: timedelta
    depends_on: tuple[Dependency, ...]
    on_replay: Literal["run", "skip"] = "skip"

    def runs_in(self, replay: Replay | None) -> bool:
        """Tell whether it runs for a delivery of this replay, or, without one, of the mesh itself."""
        return replay is None or replay.effects or self.on_replay == "run"

    @property
    def injected(self) -> tuple[tuple[str, Any], ...]:
        """The parameters after the event, by annotation."""
        return self.signature.parameters[1:]

    @property
    def takes_work(self) -> bool:
        """Whether the handler writes in the service's transaction."""
        return any(annotation is UnitOfWork for _, annotation in self.injected)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timer:
    """A function that runs at an interval and emits through the outbox."""

    name: str
    function: Callable[..., Any]
    signature: Signature
    interval: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Observer:
    """A function that is given every delivery of every domain topic, in batches, and emits nothing.

    A ``private`` one is given the records of every other topic of the mesh besides.
    """

    name: str
    function: Callable[..., Any]
    injected: tuple[tuple[str, Any], ...]
    private: bool = False


def read_handler(
    event: type[Event],
    function: Callable[..., Any],
    *,
    policy: Policy,
    timeout: timedelta,
    depends_on: tuple[Dependency, ...],
    on_replay: Literal["run", "skip"],
) -> Handler:
    """Read a handler off its function; raises StartError where the signature and the subscription disagree."""
    signature = read_signature(function)
    if not signature.parameters or signature.parameters[0][1] is not event:
        told = signature.parameters[0][1] if signature.parameters else "nothing"
        raise StartError(
            f"{where(function)} is subscribed to {event.__name__} but takes {getattr(told, '__name__', told)}",
            why="the first parameter's type is the subscription",
            do=f"annotate the first parameter as {event.__name__}, or subscribe to what it takes",
            code="E106",
        )
    handler = Handler(
        name=getattr(function, "__name__", repr(function)),
        event=event,
        function=function,
        signature=signature,
        is_async=inspect.iscoroutinefunction(function),
        policy=policy,
        timeout=timeout,
        depends_on=depends_on,
        on_replay=on_replay,
    )
    if depends_on and on_replay == "run":
        raise StartError(
            f"{where(function)} is to run in every replay, but depends on {depends_on[0].name}",
            why="what it does there it would do again: send mail, charge cards, order goods",
            do="leave on_replay out; `farandole replay --effects` runs it where that is meant",
            code="E133",
        )
    if handler.takes_work and not handler.is_async:
        raise StartError(
            f"{where(function)} takes a UnitOfWork but is not async",
            why="the unit of work is awaited",
            do="write it as `async def`",
            code="E107",
        )
    return handler


def read_timer(function: Callable[..., Any], *, interval: timedelta) -> Timer:
    """Read a timer off its function; raises StartError."""
    _demand_async(function, "a timer")
    return Timer(name=function.__name__, function=function, signature=read_signature(function), interval=interval)


def read_observer(function: Callable[..., Any], *, private: bool) -> Observer:
    """Read an observer off its function; raises StartError."""
    _demand_async(function, "an observer")
    parameters = parameters_of(function)
    if not parameters or parameters[0][1] != Sequence[Delivery]:
        raise StartError(
            f"the observer {where(function)} must take Sequence[Delivery] first",
            why="an observer hears all types, so it is given deliveries rather than events, a batch at a time",
            do="annotate the first parameter as collections.abc.Sequence[Delivery]",
            code="E108",
        )
    return Observer(name=function.__name__, function=function, injected=parameters[1:], private=private)


def _demand_async(function: Callable[..., Any], what: str) -> None:
    if not inspect.iscoroutinefunction(function):
        raise StartError(
            f"{what} must be async: {where(function)}",
            why="it runs on the service's event loop",
            do="write it as `async def`",
            code="E109",
        )
