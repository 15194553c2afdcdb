"""Headers come from whoever may write to a topic: they can neither stop the index nor act in a reader's browser."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


async def test_markup_in_headers_is_shown_as_text(console, told) -> None:
    await console.deliver_record(told(SCRIPT, SCRIPT, flow=SCRIPT, subject=SCRIPT, source=SCRIPT, cause=SCRIPT))
    for path in (
        "/",
        "/flows",
        f"/flows/{quote(SCRIPT, safe='')}",
        f"/flows?key={quote(SCRIPT)}",
        f"/flows/{quote(SCRIPT * 2)}",
    ):
        page = await console.http.get(path)
        assert page.status_code in {200, 404}
        assert "alert(1)>" not in page.text
        assert not re.search(r"<script(?! src=)|<img(?! src=\"/static/)", page.text)
    assert "&lt;script&gt;" in (await console.http.get("/flows")).text


@pytest.mark.parametrize("path", ["/", "/flows", "/api/flows", "/api/events", "/flows/unknown", "/static/console.css"])
async def test_no_page_may_run_a_script_that_is_within_it_or_be_framed(console, path) -> None:
    policy = (await console.http.get(path)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_pages_need_nothing_that_the_policy_forbids(console, told) -> None:
    await console.deliver_record(told("flow-1"))
    for path in ("/", "/flows", "/flows/flow-1", "/flows/unknown"):
        page = (await console.http.get(path)).text
        assert "style=" not in page
        assert "<style" not in page
        assert not re.search(r"\son\w+=", page)


async def test_nul_and_endless_headers_do_not_stop_the_index(console, told) -> None:
    await console.deliver_record(told("nul\x00id", "ty\x00pe", flow="fl\x00ow", subject="su\x00bject", cause="c\x00"))
    await console.deliver_record(
        told("long", "t" * 10_000, flow="f" * 10_000, subject="s" * 10_000, cause="c" * 10_000)
    )
    await console.deliver_record(told("after", flow="after"))
    flows = (await console.http.get("/api/flows")).json()["flows"]
    (nul,) = {one["flow"] for one in flows} - {"long", "after"}
    assert len(flows) == 3
    (bare,) = (await console.http.get(f"/api/flows/{nul}")).json()["events"]
    assert bare["id"] == nul, "nothing with a NUL is believed: the record stands for a flow of its own"
    assert all(len(one["key"]) <= 256 for one in flows)


async def test_a_flow_whose_id_looks_like_a_path_can_be_opened(console, told) -> None:
    await console.deliver_record(told("../../etc/passwd?x=1#y", flow="../../etc/passwd?x=1#y"))
    page = (await console.http.get("/flows")).text
    link = page.split('<a href="/flows/')[1].split('"')[0]
    assert (await console.http.get(f"/flows/{link}")).status_code == 200


async def test_a_record_without_an_envelope_is_indexed_as_a_flow_of_its_own(console) -> None:
    from farandole.engine.ports import Message

    await console.deliver_record(Message(topic="orders", key=None, value=b"\xff\x00", headers=()))
    (flow,) = (await console.http.get("/api/flows")).json()["flows"]
    assert flow["events"] == 1
    assert (await console.http.get(f"/flows/{flow['flow']}")).status_code == 200
