"""Asked flows: which flows a request is about, for the pages and the JSON alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from farandole.http.page import MOST_ROWS, is_storable, number_of, text_of
from farandole.http.refusal import RequestRefusedError
from starlette.exceptions import HTTPException

from farandole_console.flow import Flow
from farandole_console.index import Index
from farandole_console.mark import Mark, read_mark

USUAL_FLOWS: Final = 50


async def asked_flows(index: Index, query: Mapping[str, str]) -> tuple[Sequence[Flow], str | None]:
    """Return a page of flows, and the mark of the next one. Raises RequestRefusedError."""
    limit = number_of(query, "limit", usual=USUAL_FLOWS, fewest=1, most=MOST_ROWS)
    before = None
    if said := text_of(query, "before"):
        before = read_mark(said)
        if before is None:
            raise RequestRefusedError("before must be what `next` of a page said")
    flows = await index.flows(limit=limit, before=before, key=text_of(query, "key").strip())
    if len(flows) < limit:
        return flows, None
    return flows, str(Mark(began=flows[-1].began, flow_id=flows[-1].id))


async def asked_flow(index: Index, flow_id: str) -> Flow:
    """Return a flow. Raises HTTPException where it is not known."""
    flow = await index.flow(flow_id) if is_storable(flow_id) else None
    if flow is None:
        raise HTTPException(404, "no such flow is known; it may be older than the retention")
    return flow
