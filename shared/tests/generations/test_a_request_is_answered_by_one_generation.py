"""A request is answered wholly by the generation that was shown when it came; before there is one, it has to wait."""

from __future__ import annotations

import asyncio

import httpx2
from farandole.generations.switchboard import Switchboard
from starlette.responses import PlainTextResponse


def answering(text: str, *, after: asyncio.Event | None = None):
    async def app(scope, receive, send) -> None:
        if after is not None:
            await after.wait()
        await PlainTextResponse(text)(scope, receive, send)

    return app


def asking(board: Switchboard) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=board), base_url="http://board")


async def test_before_anything_is_shown_it_says_so() -> None:
    async with asking(Switchboard()) as http:
        answer = await http.get("/count")
    assert (answer.status_code, answer.json()["error"]) == (503, "not_whole_yet")
    assert answer.headers["retry-after"] == "1"


async def test_a_request_under_way_ends_with_what_it_began_with_and_is_waited_for() -> None:
    board, released = Switchboard(), asyncio.Event()
    await board.show(answering("old", after=released))
    async with asking(board) as http:
        slow = asyncio.create_task(http.get("/count"))
        while not board.is_busy:  # noqa: ASYNC110 - a matter of a few turns of the loop
            await asyncio.sleep(0)
        changing = asyncio.create_task(board.show(answering("new")))
        await asyncio.sleep(0)
        assert (await http.get("/count")).text == "new"
        assert not changing.done()
        released.set()
        assert (await slow).text == "old"
        await changing
