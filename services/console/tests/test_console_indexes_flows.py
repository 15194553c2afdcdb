from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from farandole.testing import Harness
from farandole_console.service import service


@pytest.fixture
async def console() -> AsyncIterator[Harness]:
    async with Harness(service) as harness:
        yield harness


async def test_an_empty_console_says_so(console: Harness) -> None:
    page = await console.http.get("/")
    assert page.status_code == 200
    assert "No flow yet" in page.text
