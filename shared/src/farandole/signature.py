"""Signature: what a handler's annotations say: which event it hears, which it emits, what it must be given."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from farandole.errors import StartError
from farandole.event import Event
from farandole.follow_on import FollowOn


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A callable's parameters by annotation (in order) and the event types that its return type names."""

    parameters: tuple[tuple[str, Any], ...]
    emits: tuple[type[Event], ...]
    several: bool
    """Whether what it returns can differ from run to run: a union, an optional, or a tuple of any length."""


def where(function: Callable[..., Any]) -> str:
    """Name a function as an editor can open it: ``name (file:line)``."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    name = getattr(function, "__qualname__", repr(function))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


def called_from() -> str:
    """Name the place that called whoever asks, as an editor can open it: ``file:line``."""
    here = inspect.currentframe()  # inspect.stack() reads source files for the same
    callee = None if here is None else here.f_back
    caller = None if callee is None else callee.f_back
    return "" if caller is None else f"{caller.f_code.co_filename}:{caller.f_lineno}"


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the resolved annotations of a function or of a class's constructor; raises StartError."""
    target = function.__init__ if inspect.isclass(function) else function
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError) as error:
        raise StartError(
            f"the annotations of {where(function)} cannot be read",
            why=str(error),
            do="import the annotated types at module level, not under TYPE_CHECKING",
            code="E102",
        ) from error


def parameters_of(function: Callable[..., Any]) -> tuple[tuple[str, Any], ...]:
    """Return the parameters that have no default, with their annotations; raises StartError where one has none."""
    hints = hints_of(function)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is not parameter.empty:
            continue
        if name not in hints:
            raise StartError(
                f"parameter `{name}` of {where(function)} has no annotation",
                why="what a handler is given is found by its type",
                do=f"annotate `{name}` with the type of a provider, Delivery or UnitOfWork",
                code="E103",
            )
        found.append((name, hints[name]))
    return tuple(found)


def read_signature(function: Callable[..., Any]) -> Signature:
    """Read a handler's or a timer's signature; raises StartError with the place and the remedy."""
    hints = hints_of(function)
    if "return" not in hints:
        raise StartError(
            f"{where(function)} does not say what it emits",
            why="the return type is the topology: None, an event, a union or a tuple of events",
            do="annotate the return type",
            code="E104",
        )
    returned = hints["return"]
    emitted = tuple(dict.fromkeys(_events(returned, function)))
    return Signature(parameters=parameters_of(function), emits=emitted, several=_varies(returned))


def _varies(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return True
    if origin is tuple:
        arguments = typing.get_args(annotation)
        return Ellipsis in arguments or any(_varies(argument) for argument in arguments)
    return False


def _events(annotation: Any, function: Callable[..., Any]) -> Iterator[type[Event]]:
    origin = typing.get_origin(annotation)
    if annotation is None or annotation is type(None) or annotation is Ellipsis:
        return
    if origin in (typing.Union, types.UnionType, tuple) or origin is FollowOn:
        for argument in typing.get_args(annotation):
            yield from _events(argument, function)
    elif inspect.isclass(annotation) and issubclass(annotation, Event) and annotation is not Event:
        yield annotation
    else:
        raise StartError(
            f"{where(function)} returns {annotation!r}, which is no event",
            why="a handler answers with None, an event, FollowOn[event], a union or a tuple of them",
            do="name the event classes in the return type",
            code="E105",
        )
