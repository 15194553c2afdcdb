"""State: where an order stands in the warehouse, and the decisions between packing and cancelling. Pure."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an order stands. It waits for its halves, then is packed or cancelled, never both."""

    WAITING = "waiting"
    PACKING = "packing"
    PACKED = "packed"
    CANCELLED = "cancelled"


def may_begin_packing(state: State, *, reserved: bool, authorised: bool) -> bool:
    """Say whether packing begins now: both halves are there, and nobody began or cancelled before."""
    return state is State.WAITING and reserved and authorised


def may_cancel(state: State) -> bool:
    """Say whether a cancellation still comes in time: from the moment packing begins it is too late."""
    return state is State.WAITING
