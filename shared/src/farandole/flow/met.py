"""Met: whether everything that services expect of a flow has come."""

from __future__ import annotations

from collections.abc import Iterable

from farandole.expectation import Expectation
from farandole.flow.tree import FlowTree


def is_met(tree: FlowTree, expectations: Iterable[Expectation]) -> bool:
    """Say whether something is expected of this flow, and all of it is there."""
    types = {one.event.type for one in tree.nodes if one.is_emitted}
    mine = [one for one in expectations if one.first in types]
    return bool(mine) and all(types.intersection(one.then) for one in mine)
