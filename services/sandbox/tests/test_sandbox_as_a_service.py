"""The sandbox is a service like the others: found by entry point, complete, servable beneath the library's pages."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from farandole import installed
from farandole.http.app import create_app as create_process_app
from farandole_sandbox.app import create_app
from farandole_sandbox.service import service
from prometheus_client import CollectorRegistry


def test_it_is_found_by_its_entry_point_and_everything_that_it_takes_is_provided() -> None:
    assert installed.service("sandbox") is service
    service.check(frozenset())


async def test_it_works_beneath_the_librarys_pages(running: Any, served: Any) -> None:
    own = create_app(running.sandbox)
    whole = create_process_app(status=dict, registry=CollectorRegistry(), own=own)
    note = {"customer_id": "ALFKI", "order_id": "order-1", "template": "order_placed"}
    await running.fault(system="crm", kind="lost_answers", count=1)
    async with served(whole) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post("/crm/notifications", json=note, headers={"idempotency-key": "k"})
        answer = await client.post("/crm/notifications", json=note, headers={"idempotency-key": "k"})
        assert (answer.status_code, answer.headers["idempotent-replay"]) == (201, "true")
