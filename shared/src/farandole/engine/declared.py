"""Declared: what a handler or timer returned, held against what its signature names."""

from __future__ import annotations

from farandole.errors import ContractError
from farandole.event import Event
from farandole.follow_on import FollowOn, Outcome, emissions
from farandole.signature import Signature


def declared_emissions(name: str, signature: Signature, outcome: Outcome) -> tuple[FollowOn[Event], ...]:
    """Return what was returned, as follow-ons. Raises ContractError for a type that the signature does not name."""
    found = emissions(outcome)
    for one in found:
        if type(one.event) not in signature.emits:
            raise ContractError(
                f"{name} returned {type(one.event).__name__}, which it does not declare",
                why=f"its return type names {', '.join(e.__name__ for e in signature.emits) or 'no event'}",
                do=f"add {type(one.event).__name__} to the return type of {name}",
                code="E260",
            )
    return found
