"""Doors: one for each dependency of a service's handlers, with the settings of the deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from secrets import token_hex
from typing import Any

from farandole.breaker import Breakers, Dependency
from farandole.clock import Clock
from farandole.engine.door import Door
from farandole.engine.probing import Healthy
from farandole.errors import StartError
from farandole.handler import Handler
from farandole.metrics import Metrics
from farandole.settings import Settings


def dependencies_of(handlers: Iterable[Handler]) -> Mapping[str, Dependency]:
    """Return what the handlers depend on, by name. A name alone means whatever another handler says of it.

    Raises:
        StartError: two of them say different things.
    """
    found: dict[str, Dependency] = {}
    for one in (each for handler in handlers for each in handler.depends_on):
        plain = Dependency(one.name)
        known = found.get(one.name, plain)
        if plain not in (one, known) and one != known:
            raise StartError(
                f"{one.name} is described twice, and not alike",
                why=f"{known}\n       {one}",
                do="describe it once, and use that value, or its name, everywhere",
                code="E127",
            )
        found[one.name] = known if one == plain else one
    return found


def doors_of(
    handlers: Iterable[Handler],
    *,
    arguments: Mapping[str, Mapping[str, Any]],
    breakers: Breakers,
    clock: Clock,
    metrics: Metrics,
    settings: Settings,
) -> Mapping[str, Door]:
    """Return the doors by dependency. ``arguments`` are each handler's provided values, by its name.

    A provided value with a method ``healthy`` is asked instead of probing with a message, where it is given to handlers
    that need nothing else. Raises StartError.
    """
    handlers = tuple(handlers)
    holder = token_hex(6)
    return {
        name: Door(
            _rated(dependency, settings),
            breakers=breakers,
            clock=clock,
            metrics=metrics,
            holder=holder,
            healthy=_healthy(name, handlers, arguments),
        )
        for name, dependency in dependencies_of(handlers).items()
    }


def _rated(dependency: Dependency, settings: Settings) -> Dependency:
    return replace(dependency, rate=settings.rates.get(dependency.name, dependency.rate))


def _healthy(name: str, handlers: Iterable[Handler], arguments: Mapping[str, Mapping[str, Any]]) -> Healthy | None:
    for handler in handlers:
        if [one.name for one in handler.depends_on] == [name]:
            for value in arguments[handler.name].values():
                healthy: Healthy | None = getattr(value, "healthy", None)
                if callable(healthy):
                    return healthy
    return None
