"""What the console's pages do to dead letters is what `farandole dlq` does: same desk, same audit topic, same effects.

A shop's deliveries fail on a real Kafka, and a console beside it clears them: a group is sent again with a canary, one
letter is edited, another put aside and taken back, each with a reason. The e-mail address in every order, which is
personal, is on no page. While a breaker is open nothing is sent unless that is wanted.
"""

from __future__ import annotations

import asyncio
import html
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "services" / "console" / "tests"))

from counter import LONG
from farandole.desk import Standing
from farandole_console.acting.mesh import Mesh
from farandole_console.dead_letters.boards import Boards
from farandole_console.dead_letters.leaves import assignments, leaves
from farandole_console.settings import ConsoleSettings
from operators import OTTO, VERA, bearing, console_on, settings_of

WHY = {"reason": "the carrier is back, ticket 4711"}
EMAIL = "anna@example.com"
SEE_OTHER, FORBIDDEN, CONFLICT, WRONG = 303, 403, 409, 400


@pytest.fixture
async def desk(shop, backend, tmp_path):
    """A shop with three dead letters that failed alike, and a console that shows them."""
    await shop.die("pen", "ink", "cup")
    async with console_on(backend, tmp_path) as (harness, gatherer):
        yield Opened(shop, harness, gatherer)


class Opened:
    def __init__(self, shop, harness, gatherer) -> None:
        self.shop, self.http, self.gatherer = shop, harness.http, gatherer
        self.root = f"/dead-letters/{shop.shop.tag}"

    async def group(self) -> str:
        (one,) = (await self.shop.json("ls", "--all"))["groups"]
        return one["fingerprint"]

    async def page(self, path: str, token: str = OTTO) -> str:
        answer = await self.http.get(f"{self.root}{path}", headers=bearing(token))
        assert answer.status_code == 200, answer.text
        assert EMAIL not in answer.text
        return html.unescape(answer.text)

    async def post(self, what: str, token: str = OTTO, **form: str):
        return await self.http.post(f"{self.root}/{what}", data=form, headers=bearing(token))

    async def ended(self, location: str) -> str:
        """Wait until a job is over, as its page says."""
        for _ in range(300):
            await self.gatherer.look("kafka", self.gatherer.look_at_logs)
            course = next((one for one in self.gatherer.sight.courses if location.endswith(one.operation.id)), None)
            if course is not None and course.stage.is_over:
                return course.stage.value
            await asyncio.sleep(0.1)
        raise AssertionError("the job never ended")


async def test_a_group_is_shown_and_sent_again_with_a_canary(desk) -> None:
    group = await desk.group()
    shown = await desk.page(f"/groups/{group}?canary=1&rate=50")
    assert "Send 3 events" in shown
    assert f"farandole dlq redrive --service {desk.shop.shop.tag} --group {group} --canary 1 --rate 50 --yes" in shown
    assert 'name="reason"' not in await desk.page(f"/groups/{group}", VERA)

    form = {"group": group, "canary": "1", "rate": "50"}
    assert (await desk.post("redrive", VERA, **form, **WHY)).status_code == FORBIDDEN
    assert (await desk.post("redrive", **form)).status_code == WRONG
    assert await desk.shop.counts() == {"open": 3}

    desk.shop.shop.mended = True
    began = await desk.post("redrive", **form, **WHY)
    assert began.status_code == SEE_OTHER, began.text
    assert await desk.ended(began.headers["location"]) == "done"
    assert await desk.shop.counts() == {"resolved": 3}
    job = await desk.http.get(began.headers["location"], headers=bearing(VERA))
    assert "--canary 1 --rate 50 --yes --reason" in job.text
    assert "otto" in job.text
    again = await desk.post("redrive", **form, **WHY)
    assert "E556" in again.text


@LONG  # a browser does the same to a letter in every run
async def test_a_letter_is_shown_put_aside_taken_back_and_edited(desk, backend) -> None:
    shown = await desk.page("/letter?name=pen")
    assert '"email": "***"' in shown
    assert "nobody here delivers to ***" in shown
    put = await desk.post("discard", name="pen", **WHY)
    assert put.headers["location"] == f"{desk.root}/letter?name=pen"
    assert await desk.shop.counts() == {"open": 2, "discarded": 1}
    boards = Boards(Mesh(settings_of(backend), ConsoleSettings()))
    await boards.look()
    assert boards.open[desk.shop.shop.tag] == 2, "what is settled does not count"
    assert boards.groups[desk.shop.shop.tag][0].counts[Standing.DISCARDED] == 1
    await desk.post("reopen", name="pen", **WHY)
    assert await desk.shop.counts() == {"open": 3}

    wrong = await desk.post("edit", name="pen", **{"set:total": "much"}, **WHY)
    assert (wrong.status_code, "E554" in wrong.text) == (WRONG, True)
    form = {"set:thing": "pen", "set:email": "***", "set:total": "7"}
    done = await desk.post("edit", name="pen", **form, **WHY)
    assert done.status_code == SEE_OTHER, done.text
    shown = await desk.page("/letter?name=pen")
    assert '"total": 7' in shown
    assert "Edited from" in shown
    began = await desk.post("redrive", name="pen", **WHY)
    assert await desk.ended(began.headers["location"]) == "done"
    assert await desk.shop.counts() == {"open": 2, "resolved": 1}


async def test_while_a_breaker_is_open_nothing_is_sent_unless_it_is_wanted_and_that_can_be_cancelled(desk) -> None:
    group = await desk.group()
    await desk.shop.open_breaker()
    shown = await desk.page(f"/groups/{group}")
    assert "its breaker is open" in shown
    refused = await desk.post("redrive", group=group, **WHY)
    assert (refused.status_code, "E557" in refused.text) == (CONFLICT, True)
    began = await desk.post("redrive", group=group, force="yes", rate="0.2", **WHY)
    assert began.status_code == SEE_OTHER, began.text

    # A slow one is cancelled from its page, with what it sent so far.
    location = began.headers["location"]
    asked = await desk.http.post(f"{location}/cancel", data=WHY, headers=bearing(OTTO))
    assert asked.status_code == SEE_OTHER, asked.text
    assert await desk.ended(location) == "cancelled"
    assert (await desk.shop.counts())["open"] >= 1


def test_only_what_was_changed_is_set() -> None:
    shown = {"thing": "pen", "email": "***", "to": {"city": "***", "zip": 7}, "lines": [1], "gone": None}
    assert dict(leaves(shown)) == {"thing": "pen", "email": "***", "to.city": "***", "to.zip": "7", "gone": "null"}
    form = {"set:thing": "cup", "set:email": "***", "set:to.city": "Turin", "set:gone": "null", "other": "x"}
    assert assignments(shown, form) == ("thing=cup", "to.city=Turin")
