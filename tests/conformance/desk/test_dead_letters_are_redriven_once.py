"""Dead letters are sent again, each once, whoever asks how often.

A shop with a database gives up its orders. An operator looks, sends a group again, and asks a second time; orders that
die later are none of it. Two terminals send the same at once; Redis forgets everything; a canary fails.
"""

from __future__ import annotations

import asyncio

import pytest
from counter import LONG, WHY, Counter

pytestmark = pytest.mark.mesh


async def test_a_group_is_sent_again_once_and_what_dies_later_is_not(shop: Counter):
    await shop.die("a", "b", "c")
    assert await shop.counts() == {"open": 3}
    group = await shop.group()
    shop.shop.mended, shop.shop.broken = True, {"c"}
    first = await shop.redrive("--group", group, code=1)
    assert (first["sent"], first["done"], first["dead"]) == (3, 2, 1)
    await shop.until_counts(open=1, resolved=2)
    shop.shop.mended = False
    await shop.die("later")
    shop.shop.mended, shop.shop.broken = True, set()
    assert (await shop.redrive("c"))["done"] == 1
    assert sorted(shop.redelivered()) == ["a", "b", "c", "c"]
    assert [thing for thing, _ in shop.effects()] == ["a", "b", "c"]
    assert (await shop.dlq("redrive", "a", "b", "c", *shop.here, *WHY)).code == 2
    assert len(shop.redelivered()) == 4


@LONG
async def test_what_is_done_is_not_sent_again(shop: Counter):
    await shop.die("a", "b")
    shop.shop.mended = True
    assert (await shop.redrive("--group", await shop.group()))["done"] == 2
    again = await shop.dlq(
        "redrive", "--service", shop.shop.tag, "--group", await shop.group(), "--reason", "x", "--yes"
    )
    assert again.code == 2
    assert "E556" in again.err
    assert "2: handled since" in again.err
    assert len(shop.redelivered()) == 2


async def test_the_same_redrive_from_two_terminals_has_one_effect_each(shop: Counter):
    await shop.die("a", "b", "c")
    shop.shop.mended = True
    group = await shop.group()
    wanted = ("redrive", "--service", shop.shop.tag, "--group", group, "--reason", "x", "--yes")
    codes = sorted([one.code for one in await asyncio.gather(shop.dlq(*wanted), shop.dlq(*wanted))])
    assert codes[0] == 0
    await shop.until_counts(resolved=3)
    assert shop.effects() == [("a", 0), ("b", 0), ("c", 0)]


async def test_all_of_them_are_sent_again_after_redis_was_wiped(shop: Counter):
    await shop.die("a", "b")
    shop.shop.mended = True
    assert (await shop.redrive("a"))["done"] == 1
    await shop.mesh.world.forget()
    assert await shop.counts() == {"open": 1, "resolved": 1}
    assert (await shop.redrive("--group", await shop.group()))["sent"] == 1
    assert shop.effects() == [("a", 0), ("b", 0)]


@LONG
async def test_without_a_database_a_wiped_ledger_leaves_every_letter_open(plain: Counter):
    await plain.die("a")
    plain.shop.mended = True
    assert (await plain.redrive("a"))["done"] == 1
    assert await plain.counts() == {"resolved": 1}
    await plain.mesh.world.forget()
    assert await plain.counts() == {"open": 1}


async def test_a_canary_that_dies_keeps_the_others_back(shop: Counter):
    await shop.die("a", "b", "c")
    shop.shop.mended, shop.shop.broken = True, {"a"}
    stopped = await shop.redrive("--group", await shop.group(), "--canary", "1", code=1)
    assert (stopped["sent"], stopped["dead"]) == (1, 1)
    assert "2 were not sent" in stopped["stopped"]
    assert shop.redelivered() == ["a"]
    shop.shop.broken = set()
    assert (await shop.redrive("--group", await shop.group(), "--canary", "1"))["done"] == 3
    assert shop.effects() == [("a", 0), ("b", 0), ("c", 0)]


@LONG
async def test_what_is_on_its_way_is_not_sent_twice(shop: Counter):
    await shop.die("a")
    await shop.mesh.stop()
    shop.shop.mended = True
    sent = await shop.redrive_without_waiting("a")
    assert sent["waiting"] == 1
    assert await shop.counts() == {"redriven": 1}
    again = await shop.dlq("redrive", "a", *shop.here, "--reason", "x", "--yes")
    assert again.code == 2
    assert "on its way already" in again.err
    await shop.mesh.start()
    await shop.until_counts(resolved=1)
    assert shop.effects() == [("a", 0)]


@LONG
async def test_a_plan_shows_what_would_be_sent_and_sends_nothing(shop: Counter):
    await shop.die("a", "b")
    found = await shop.json("redrive", "--group", await shop.group(), "--plan", code=3)
    assert (found["send"], found["attempts"]) == (2, {"1": 2})
    assert shop.redelivered() == []
    assert (await shop.json("redrive", "a", "--plan", "--limit", "1", code=3))["send"] == 1


@LONG
async def test_a_selection_is_sent_and_nothing_else(shop: Counter):
    await shop.die("a", "b")
    shop.shop.mended = True
    assert (await shop.redrive("--where", 'thing == "b"'))["sent"] == 1
    assert shop.redelivered() == ["b"]
