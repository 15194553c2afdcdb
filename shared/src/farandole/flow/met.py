"""Met: whether everything that services expect of a flow has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from farandole.expectation import Expectation
from farandole.flow.tree import FlowTree
from farandole.flow.waiting import Evidence, Wait, waiting


def is_met(tree: FlowTree, expectations: Iterable[Expectation]) -> bool:
    """Say whether something is expected of this flow, and all of it is there."""
    types = {one.event.type for one in tree.nodes if one.is_emitted}
    mine = [one for one in expectations if one.first in types]
    return bool(mine) and all(types.intersection(one.then) for one in mine)


def still_waiting(tree: FlowTree, evidence: Evidence, expectations: Iterable[Expectation]) -> Sequence[Wait]:
    """Return what a flow waits for; nothing, where all that was expected has come and nobody is at anything."""
    waits = waiting(tree, evidence)
    if is_met(tree, expectations):
        return tuple(one for one in waits if one.why != "nothing")
    return waits
