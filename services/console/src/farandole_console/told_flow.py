"""Told flow: a flow as the console tells it: its tree, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from farandole import Clock
from farandole.flow.met import still_waiting
from farandole.flow.tree import FlowTree, flow_tree
from farandole.flow.waiting import Wait
from starlette.exceptions import HTTPException

from farandole_console.asked_flows import asked_flow
from farandole_console.index import Index
from farandole_console.live.declared import Declarations
from farandole_console.live.evidence import evidence
from farandole_console.live.sight import Sight


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldFlow:
    """One flow."""

    tree: FlowTree
    waits: Sequence[Wait]


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowTeller:
    """Tells flows by the index, and by ``sight``: what was seen of the mesh last. Asks neither brokers nor Redis."""

    index: Index
    sight: Callable[[], Sight]
    declarations: Declarations
    clock: Clock

    async def flow(self, asked: str) -> ToldFlow:
        """Return a flow by its id, its key, or the id of one of its events. Raises HTTPException: it is not known."""
        row = await asked_flow(self.index, asked)
        happenings = await self.index.happenings_of(row.id)
        tree = flow_tree(row.id, happenings, hears=self.declarations.hears)
        if tree is None:
            raise HTTPException(404, "this flow has just been forgotten")
        left_out = max(0, row.events - sum(node.is_emitted for node in tree.nodes))
        tree = replace(tree, untold=tree.untold + left_out)
        known = evidence(self.sight(), self.declarations.services, now=self.clock.now())
        return ToldFlow(tree=tree, waits=still_waiting(tree, known, self.declarations.expectations))
