"""Every page of the console in a real browser.

It is drawn without a complaint of the browser, in light and dark, and on a phone without scrolling sideways; it can be
used from the keyboard, and says what it knows. Pictures are kept under ``artefacts/browser``.
"""

from __future__ import annotations

import time

import pytest

PAGES = {
    "overview": "/",
    "topology": "/topology",
    "services": "/services",
    "service": "/services/payments",
    "breakers": "/breakers",
    "flows": "/flows",
    "stuck-flows": "/flows?stuck=1",
    "flow": "/flows/flow-1",
    "events": "/events",
    "event": "/events/record?record=payments.dlq|0|0",
    "dead-letters": "/dead-letters",
    "dead-letter": "/dead-letters/payments/letter?name=letter-1",
    "reveal": "/reveal?record=payments.dlq|0|0",
    "schemas": "/schemas",
    "schema": "/schemas/OrderPlaced",
    "jobs": "/jobs",
    "job": "/jobs/20261123T120000-0a1b2c3d",
    "audit": "/audit",
}
WITHIN = 30_000
PHONE = {"width": 375, "height": 720}


async def until_told(page, url: str, path: str, words: str) -> None:
    """Open a page again until the gatherer has seen what it shows."""
    deadline = time.monotonic() + WITHIN / 1000
    while True:
        await page.goto(f"{url}{path}")
        if words in await page.inner_text("main"):
            return
        assert time.monotonic() < deadline, f"{path} never said {words}: {await page.inner_text('main')}"
        await page.wait_for_timeout(200)


async def test_every_page_is_drawn_in_light_in_dark_and_on_a_phone(console, watched) -> None:
    page = watched.page
    await until_told(page, console, "/audit", "ticket 4711")
    await until_told(page, console, "/flows", "order-1")
    await until_told(page, console, "/topology", "PaymentAuthorised")
    await until_told(page, console, "/services/payments", "payments.dlq")
    await until_told(page, console, "/dead-letters", "GatewayAway")
    for name, path in PAGES.items():
        await page.set_viewport_size({"width": 1280, "height": 800})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            answer = await page.goto(f"{console}{path}")
            assert answer.status == 200
            await watched.picture(f"{name}-{scheme}")
        await page.set_viewport_size(PHONE)
        await watched.picture(f"{name}-phone")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{path} scrolls sideways on a phone: {wide} px"
        assert await page.locator("h1").count() == 1
        assert await page.locator("th:not([scope])").count() == 0


async def test_the_topology_is_drawn(console, watched) -> None:
    await until_told(watched.page, console, "/topology", "PaymentAuthorised")
    await watched.page.wait_for_selector(".graph svg .node.service")
    assert "payments" in await watched.page.inner_text(".graph")


async def test_the_keyboard_reaches_everything(console, watched) -> None:
    page = watched.page
    await page.goto(f"{console}/")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("?")
    assert await page.locator("#help").is_visible()
    await page.keyboard.press("Escape")
    assert not await page.locator("#help").is_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("a")
    await page.wait_for_url("**/audit")
    await page.keyboard.press("/")
    await page.keyboard.type("order-1")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/flows?key=order-1")


async def test_the_colours_that_were_chosen_stay(console, watched) -> None:
    page = watched.page
    await page.emulate_media(color_scheme="light")
    await page.goto(f"{console}/")
    await page.click("[data-theme-toggle]")
    await page.goto(f"{console}/jobs")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_a_page_that_polls_stays_as_it_is(console, watched) -> None:
    page = watched.page
    await page.goto(f"{console}/breakers")
    async with page.expect_response("**/breakers"):
        pass
    assert await page.locator("h1").count() == 1


async def test_events_are_searched_and_watched(console, watched) -> None:
    page = watched.page
    await until_told(page, console, "/events", "OrderCancelled")
    await page.fill("#key", "order-1")
    await page.fill("#topic", "reservations")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/events?key=order-1**topic=reservations**")
    assert await page.locator("tbody tr").count() == 1
    async with page.expect_response("**/events?**last=**"):
        await page.click("text=Watch them as they come")
    await page.click("text=Stop here")
    await page.wait_for_url("**/events?key=order-1&topic=reservations")
    await page.locator("td[data-is=Record] a").click()
    await page.wait_for_url("**/events/record**")
    assert "ce_correlationid" in await page.inner_text("main")


async def test_the_audit_is_searched_by_a_link(console, watched) -> None:
    await until_told(watched.page, console, "/audit?words=ticket&kind=redrive", "4711")
    await watched.page.goto(f"{console}/audit?words=nobody")
    assert "Nothing of that" in await watched.page.inner_text("main")


async def test_somebody_signs_in_and_out(guarded, watched) -> None:
    page = watched.page
    await page.goto(f"{guarded}/jobs?x=1")
    await watched.picture("login-light")
    await page.fill("#token", "admin-" + "a" * 30)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/jobs?x=1")
    await page.click(".who summary")
    await page.click("text=Sign out")
    await page.wait_for_url("**/login")


@pytest.mark.parametrize("path", ["/", "/flows", "/jobs"])
async def test_pages_work_without_scripts(console, browser, path) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    answer = await page.goto(f"{console}{path}")
    assert answer.status == 200
    assert await page.locator("nav a").count() >= 8
    await context.close()
