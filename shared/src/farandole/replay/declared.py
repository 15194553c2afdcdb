"""Declared: what a service's handlers declare, as far as a replay rests on it."""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from farandole.event import Event
from farandole.follow_on import FollowOn
from farandole.handler import Handler
from farandole.service import Service
from farandole.signature import hints_of

DIGEST_BYTES: Final = 12


def handlers_digest(service: Service) -> str:
    """Return a digest of what the handlers declare: what each hears and emits, what it needs, what it does on replay.

    It is the same in every process of the same version of a service; what a handler's body does is not in it.
    """
    told = [
        (
            one.event.avro.fullname,
            one.event.avro.version,
            one.name,
            sorted(event.avro.fullname for event in one.signature.emits),
            one.signature.several,
            sorted(needed.name for needed in one.depends_on),
            one.on_replay,
        )
        for one in sorted(service.handlers, key=lambda handler: handler.event.avro.fullname)
    ]
    return blake2b(msgspec.json.encode(told), digest_size=DIGEST_BYTES).hexdigest()


def constant_answer(handler: Handler) -> Mapping[type[Event], int] | None:
    """Return what a handler always answers, by type; None where that may differ from run to run."""
    if handler.signature.several:
        return None
    return Counter(_named(hints_of(handler.function)["return"]))


def _named(annotation: Any) -> list[type[Event]]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple or origin is FollowOn:
        return [event for argument in arguments for event in _named(argument)]
    return [] if annotation is None or annotation is type(None) else [annotation]


def may_join(handler: Handler) -> bool:
    """Tell whether a handler may name its follow-ons after something else than the event: by a FollowOn."""
    return _mentions_follow_on(hints_of(handler.function)["return"])


def _mentions_follow_on(annotation: Any) -> bool:
    return typing.get_origin(annotation) is FollowOn or any(
        _mentions_follow_on(argument) for argument in typing.get_args(annotation)
    )
