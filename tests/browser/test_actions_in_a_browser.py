"""Every action of the console in a real browser: its form says the command, asks why, and does it.

The service whose dead letters these are does not run, so what is sent again waits, and can be cancelled. What somebody
types as a reason stands in the command beside the form, quoted as a shell wants it.
"""

from __future__ import annotations

import re
import time

from confluent_kafka import Consumer, TopicPartition

PERSON = "Zebedee Quillfeather"
WITHIN = 30.0
PHONE = {"width": 375, "height": 720}
LETTER = "/dead-letters/payments/letter?name=letter-2"


async def until(page, url: str, words: str, selector: str = "main") -> None:
    deadline = time.monotonic() + WITHIN
    while words not in await page.inner_text(selector):
        assert time.monotonic() < deadline, f"{url} never said {words}: {await page.inner_text(selector)}"
        await page.wait_for_timeout(200)
        await page.goto(url)


async def act(page, button: str, reason: str) -> None:
    form = page.locator("form[data-act]", has=page.get_by_role("button", name=button))
    await form.locator("[name=reason]").fill(reason)
    assert f"--reason '{reason}'" in await form.locator("[data-command]").inner_text()
    await form.get_by_role("button", name=button).click()


async def test_a_letter_is_put_aside_and_taken_back(console, watched) -> None:
    page, url = watched.page, f"{console}{LETTER}"
    await page.goto(url)
    await act(page, "Discard", "a test order")
    await page.get_by_text("discarded", exact=False).first.wait_for()
    await watched.picture("letter-discarded")
    await act(page, "Open again", "it was none")
    await page.get_by_role("button", name="Discard").wait_for()
    await page.goto(f"{console}/audit?kind=reopen")
    await until(page, f"{console}/audit?kind=reopen", "it was none")


async def test_a_letter_is_edited_and_what_is_masked_stays(console, watched) -> None:
    page = watched.page
    await page.goto(f"{console}{LETTER}")
    field = page.locator('[name="set:order_id"]')
    await field.fill("order-2")
    form = page.locator("form[data-act]", has=page.get_by_role("button", name="Change it"))
    assert "--set order_id=order-2 --reason" in await form.locator("[data-command]").inner_text()
    await act(page, "Change it", "the order was wrong")
    await page.get_by_text("Edited from").wait_for()
    text = await page.inner_text("main")
    assert '"order_id": "order-2"' in text
    assert PERSON not in text


async def test_a_group_is_sent_again_watched_and_cancelled(console, watched) -> None:
    page = watched.page
    await page.goto(f"{console}/dead-letters")
    await until(page, f"{console}/dead-letters", "GatewayAway")
    await page.get_by_role("link", name="GatewayAway").first.click()
    await page.fill("[name=rate]", "0.2")
    await page.get_by_role("button", name="Plan it so").click()
    await page.wait_for_url("**rate=0.2*")
    await watched.picture("group")
    await page.set_viewport_size(PHONE)
    await watched.picture("group-phone")
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await act(page, "Send again", "the gateway is back")
    await page.wait_for_url(re.compile("/jobs/"))
    await page.locator("progress").wait_for()
    await page.reload()
    assert await page.locator("progress").count() == 1, "it is where it was after a reload"
    await watched.picture("job-running")
    await page.get_by_text("Cancel it").first.click()
    await act(page, "Cancel it", "too slow for us")
    await page.get_by_text("cancelled", exact=False).first.wait_for(timeout=WITHIN * 1000)
    await watched.picture("job-cancelled")


async def test_an_operator_sees_what_is_personal_once_he_said_why(console, watched) -> None:
    page = watched.page
    await page.goto(f"{console}/dead-letters/payments/letter?name=letter-1")
    assert PERSON not in await page.content()
    await page.get_by_role("link", name="Show what is personal in it").click()
    await page.locator("[name=reason]").fill("the customer asks, ticket 4711")
    await page.get_by_role("button", name="Show it").click()
    await page.get_by_text("Personal data is shown").wait_for()
    assert PERSON in await page.inner_text("main")
    assert PERSON not in page.url


async def test_an_action_without_a_reason_is_not_sent(console, watched) -> None:
    page = watched.page
    await page.goto(f"{console}/reveal?record=payments.dlq|0|0")
    await page.get_by_role("button", name="Show it").click()
    assert await page.locator("[name=reason]:invalid").count() == 1
    assert "record=" in page.url
    assert PERSON not in await page.content()


def passed_over(bootstrap: str) -> None:
    """Have the group of the payments skip what lies on the orders: nobody handled it, and nobody will."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "payments", "enable.auto.commit": False})
    orders = [TopicPartition("orders", number) for number in range(2)]
    ends = [TopicPartition("orders", one.partition, consumer.get_watermark_offsets(one)[1]) for one in orders]
    consumer.commit(offsets=ends, asynchronous=False)
    consumer.close()


async def test_history_is_planned_run_paused_and_cancelled(console, watched, backend) -> None:
    passed_over(backend.bootstrap)
    page = watched.page
    await page.goto(f"{console}/replay?service=payments&where=total+%3E+")
    assert await page.get_by_role("alert").count() == 1, "what is wrong with the selection is said"
    await page.fill("[name=where]", "")
    await page.fill("[name=topic]", "orders")
    await page.fill("[name=rate]", "0.01")
    await page.get_by_role("button", name="Check it").click()
    await page.wait_for_url("**topic=orders*")
    await act(page, "Make the plan", "a handler was mended")
    await page.get_by_text("matched").wait_for()
    await watched.picture("replay-plan")
    await page.set_viewport_size(PHONE)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await act(page, "Run it", "a handler was mended")
    await page.locator("progress").wait_for()
    await watched.picture("replay-running")
    await act(page, "Pause it", "too much at once")
    await page.get_by_text("asked to pause").wait_for()
    await until(page, page.url, "paused")
    await act(page, "Resume it", "quiet again")
    await until(page, page.url, "running")
    await act(page, "Cancel it", "enough of it")
    await page.get_by_text("asked to cancel").wait_for()
