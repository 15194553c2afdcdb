"""Providers: what handlers are given, found by annotation, made once when the service starts, closed when it ends."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Self

from farandole.errors import StartError
from farandole.signature import parameters_of, where

Factory = Callable[..., Any]
"""Makes what it provides: returns it, awaits to it, or is an async context manager around it."""


class Providers:
    """The registered factories by the type that they provide."""

    def __init__(self) -> None:
        self._factories: dict[Any, Factory] = {}

    def register(self, provided: Any, factory: Factory) -> None:
        """Register how ``provided`` is made; raises StartError when it is registered already."""
        if provided in self._factories:
            raise StartError(
                f"{name_of(provided)} is provided twice",
                why=f"{where(self._factories[provided])} provides it already",
                do="provide each type once",
                code="E110",
            )
        self._factories[provided] = factory

    def check(self, wanted: Any, *, for_whom: str, given: frozenset[Any], seen: tuple[Any, ...] = ()) -> None:
        """Raise StartError unless ``wanted`` can be made; resolves the factories' own parameters as well."""
        if wanted in given:
            return
        if wanted in seen:
            circle = " → ".join(name_of(one) for one in (*seen, wanted))
            raise StartError("providers need one another in a circle", why=circle, do="break the circle", code="E111")
        if wanted not in self._factories:
            raise StartError(
                f"nothing provides {name_of(wanted)}",
                why=f"{for_whom} takes it",
                do=f"service.provide({name_of(wanted)}, …)   or give it to Harness(provide=…)",
                code="E112",
            )
        factory = self._factories[wanted]
        for _, annotation in parameters_of(factory):
            self.check(annotation, for_whom=where(factory), given=given, seen=(*seen, wanted))

    def open(self, given: Mapping[Any, Any]) -> Resolver:
        """Return a resolver that starts from the values ``given``; use it as an async context manager."""
        return Resolver(self._factories, given)


class Resolver:
    """Makes each provided value once, and closes what it opened, in reverse order, when the service ends."""

    def __init__(self, factories: Mapping[Any, Factory], given: Mapping[Any, Any]) -> None:
        self._factories = factories
        self._values = dict(given)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self._stack.aclose()

    async def resolve(self, wanted: Any) -> Any:
        """Return the one value of the type ``wanted``, making it and what it needs first."""
        if wanted not in self._values:
            self._values[wanted] = await self._make(self._factories[wanted])
        return self._values[wanted]

    async def arguments(self, parameters: tuple[tuple[str, Any], ...], *, skip: frozenset[Any]) -> dict[str, Any]:
        """Return the values for these parameters by name, without those whose annotation is in ``skip``."""
        return {name: await self.resolve(annotation) for name, annotation in parameters if annotation not in skip}

    async def call(self, factory: Factory) -> Any:
        """Call a factory with its parameters resolved, and return what it returns."""
        return factory(**await self.arguments(parameters_of(factory), skip=frozenset()))

    async def _make(self, factory: Factory) -> Any:
        made = await self.call(factory)
        if isinstance(made, AbstractAsyncContextManager):
            return await self._stack.enter_async_context(made)
        return await made if inspect.isawaitable(made) else made


def name_of(annotation: Any) -> str:
    """Name a type as its author wrote it."""
    return getattr(annotation, "__name__", None) or str(annotation)
