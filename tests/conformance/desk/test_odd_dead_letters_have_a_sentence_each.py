"""Not every dead letter is an event that failed: bytes that nobody can read, no bytes, too many, forged headers.

Each of them is listed, shown with a sentence, and sent again only where that can help. What an operator asks wrongly,
or may not do, is an error that names the next step.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from counter import LONG, WHY, Counter
from farandole.engine.ports import Message
from farandole.ledger import State
from world import message

pytestmark = pytest.mark.mesh


async def bad(shop: Counter, event_id: str, value: bytes | None) -> None:
    """Send a record of the shop's type with other bytes than that."""
    good = message(shop.shop.placed(thing=event_id), event_id=event_id, source="test")
    await shop.mesh.send(Message(topic=good.topic, key=good.key, value=value, headers=good.headers))


@LONG
async def test_bytes_that_nobody_reads_are_shown_by_their_length_and_can_be_replaced(shop: Counter, tmp_path: Path):
    await bad(shop, "a", b"no avro")
    await shop.mesh.drained()
    (sheet,) = (await shop.json("show", "a"))["letters"]
    assert sheet["payload"]["bytes"] == 7
    assert "no avro" not in str(sheet)
    (tmp_path / "whole.json").write_text('{"thing": "a", "email": "x", "total": 3}')
    assert "--file" in (await shop.dlq("edit", "a", "--set", "total=1", *shop.here, *WHY)).err
    await shop.json("edit", "a", "--file", str(tmp_path / "whole.json"), *WHY)
    assert (await shop.redrive("a"))["done"] == 1
    assert shop.effects() == [("a", 3)]


@LONG
async def test_a_record_without_a_value_is_not_sent_again(shop: Counter):
    await bad(shop, "a", None)
    await shop.mesh.drained()
    refused = await shop.dlq("redrive", "a", *shop.here, *WHY)
    assert (refused.code, "without a value" in refused.err) == (2, True)
    assert (await shop.json("discard", "a", *WHY))["marked"] == 1


@LONG
async def test_a_letter_that_holds_everything_but_the_record_says_where_that_is(shop: Counter):
    await shop.die("a")
    record = await shop.mesh.record(f"{shop.shop.tag}.dlq", "a")
    told = b"(too large for a dead letter: the record itself is only at t[0]@7) x"
    headers = tuple((n, told if n == "farandole_error_message" else value) for n, value in record.headers)
    await shop.mesh.send(Message(topic=f"{shop.shop.tag}.dlq", key=None, value=None, headers=headers))
    other = tuple((n, b"big" if n == "ce_id" else value) for n, value in headers)
    await shop.mesh.send(Message(topic=f"{shop.shop.tag}.dlq", key=None, value=None, headers=other))
    refused = await shop.dlq("redrive", "big", *shop.here, *WHY)
    assert (refused.code, "have its source send it smaller" in refused.err) == (2, True)
    assert (await shop.dlq("edit", "big", "--set", "total=1", *shop.here, *WHY)).code == 1


@LONG
async def test_forged_headers_are_neither_believed_nor_a_crash(shop: Counter):
    await shop.die("a")
    letter = await shop.mesh.record(f"{shop.shop.tag}.dlq", "a")
    for attempt in (b"999", b"\xff\xfe", b"9" * 4_000):
        headers = tuple((n, attempt if n == "farandole_attempt" else value) for n, value in letter.headers)
        noise = (("farandole_origin", b"|||"), ("farandole_error_stack", b'\xff File "'), ("ce_id", b"a"))
        forged = Message(topic=f"{shop.shop.tag}.dlq", key=letter.key, value=b"\0", headers=(*headers, *noise))
        await shop.mesh.send(forged)
    refused = await shop.dlq("redrive", "a", *shop.here, *WHY)
    assert (refused.code, "its headers say 999" in refused.err) == (2, True)
    assert await shop.counts() == {"open": 1}


@LONG
async def test_a_service_that_is_not_installed_here_is_listed_and_left_alone(shop: Counter):
    await shop.die("a")
    shop.uninstall()
    assert await shop.counts() == {"open": 1}
    assert (await shop.dlq("show", "a", *shop.here)).code == 0
    for command in ("redrive", "discard", "edit"):
        refused = await shop.dlq(command, "a", *shop.here, *WHY)
        assert (refused.code, "is not installed here" in refused.err) == (2, True)


@LONG
async def test_an_operator_who_asks_wrongly_is_told_the_next_step(shop: Counter):
    await shop.die("a")
    for arguments, code, sentence in (
        (("redrive", "a", *shop.here, "--yes"), 2, "needs a reason"),
        (("redrive", *shop.here, *WHY), 2, "which dead letters?"),
        (("redrive", "nobody", *shop.here, *WHY), 2, "has no dead letter nobody"),
        (("redrive", *shop.here, "--group", "0badf00d", *WHY), 2, "has no dead letter 0badf00d"),
        (("redrive", "a", "--service", "nowhere", *WHY), 2, "there is no service nowhere"),
        (("redrive", *shop.here, "--from", "2026-01-05T12:00:00", *WHY), 2, "does not say its zone"),
        (("redrive", *shop.here, "--resume", "nothing", *WHY), 2, "there is no redrive nothing"),
        (("redrive", "a", *shop.here, "--rate", "nan", *WHY), 2, "--rate a number"),
        (("redrive", "a", *shop.here, "--wait", "inf", *WHY), 2, "--wait takes"),
        (("show", f"{shop.shop.tag}.dlq|0|{'9' * 5_000}", *shop.here), 2, "has no dead letter"),
        (("reopen", "a", *shop.here, *WHY), 2, "not discarded"),
        (("show", "nobody"), 2, "farandole dlq ls"),
        (("ls", "--service", "nowhere"), 2, "there is no service nowhere"),
        (("export", *shop.here, "--json"), 2, "--output"),
    ):
        ended = await shop.dlq(*arguments)
        assert (ended.code, sentence in ended.err) == (code, True), ended
    assert shop.redelivered() == []


async def test_a_viewer_looks_and_changes_nothing(shop: Counter, tmp_path: Path):
    await shop.die("a")
    viewer = shop.as_viewer(tmp_path)
    assert (await shop.dlq("ls", *viewer)).code == 0
    for command in ("redrive", "discard", "reopen", "edit"):
        refused = await shop.dlq(command, "a", *shop.here, *viewer, *WHY)
        assert (refused.code, "not permitted" in refused.err) == (1, True)
    assert (await shop.dlq("show", "a", *shop.here, *viewer, "--pii")).code == 1
    assert (await shop.dlq("export", *shop.here, *viewer, "--pii")).code == 1
    for command in (("redrive", "--plan"), ("export",), ("ls",)):
        asked = await shop.dlq(*command, *shop.here, *viewer, "--where", 'email == "anna@example.com"')
        assert (asked.code, "is personal" in asked.err) == (2, True), asked
    assert shop.redelivered() == []


@LONG
async def test_while_a_breaker_is_open_nothing_is_sent_unless_it_is_forced(shop: Counter):
    await shop.die("a")
    await shop.open_breaker()
    refused = await shop.dlq("redrive", "a", *shop.here, *WHY)
    assert (refused.code, "its breaker is open" in refused.err) == (1, True)
    assert shop.redelivered() == []
    assert (await shop.json("redrive", "a", "--force", "--wait", "0", *WHY, code=4))["sent"] == 1


@LONG
async def test_with_redis_knowing_another_attempt_only_force_sends(shop: Counter):
    await shop.die("a")
    await shop.mesh.world.forget()
    letter = await shop.mesh.record(f"{shop.shop.tag}.dlq", "a")
    await shop.mesh.send_private(f"{shop.shop.tag}.dlq", letter, attempt=4)
    await shop.mesh.note(letter, "a", State.DEAD, attempt=2)
    assert "--force sends it" in (await shop.dlq("redrive", "a", *shop.here, *WHY)).err
    shop.shop.mended = True
    assert (await shop.redrive("a", "--force"))["done"] == 1
