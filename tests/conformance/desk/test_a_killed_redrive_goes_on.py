"""A redrive is killed in the middle, without a word, and somebody begins again: each letter is sent once.

Whoever goes on with the very redrive (``--resume``) sends what it had planned and nothing that has died since; whoever
types the command again sends what is open by then, of which the letters that were sent are none. The killed one is
named to him. A database and its inbox stand behind the shop; the count is of what lies on the redelivery topic.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter as Counts

import pytest
from counter import LONG, WHY, Counter

pytestmark = pytest.mark.mesh

LETTERS = 1_000 if os.environ.get("FARANDOLE_LONG") == "1" else 24
RATE = LETTERS // 2


async def killed_in_the_middle(shop: Counter, group: str) -> str:
    """Begin a redrive, kill it once some are sent, and return its id."""
    arguments = ("redrive", *shop.here, "--group", group, "--rate", str(RATE), *WHY)
    async with shop.elsewhere(*arguments) as process:
        assert process.stderr is not None
        said = ""
        while not (told := re.search(r"redrive (\S+): \d+ events", said)):
            line = await process.stderr.readline()
            assert line, said
            said += line.decode()
        await shop.mesh.until(lambda: len(shop.redelivered()) > 0)
        process.kill()
        await process.wait()
    await shop.let_the_lease_end()
    return told[1]


@pytest.mark.parametrize("way", ["resumed", pytest.param("typed again", marks=LONG)])
async def test_each_letter_is_sent_once_though_the_first_redrive_was_killed(shop: Counter, way: str):
    things = [f"t{number:04}" for number in range(LETTERS)]
    await shop.die(*things)
    group = await shop.group()
    shop.shop.mended, shop.shop.broken = True, {"later"}
    operation = await killed_in_the_middle(shop, group)
    sent = len(shop.redelivered())
    assert 0 < sent < LETTERS
    await shop.die("later")
    if way == "resumed":
        ended = await shop.dlq("redrive", "--resume", operation, "--json")
        assert ended.code == 0, ended
        told = json.loads(ended.out)
        assert (told["sent"], told["unsent"], told["done"]) == (LETTERS, 0, LETTERS)
        assert "later" not in shop.redelivered()
        assert await shop.counts() == {"open": 1, "resolved": LETTERS}
        again = await shop.dlq("redrive", "--resume", operation)
        assert (again.code, "it ended" in again.err) == (2, True)
    else:
        again = await shop.dlq("redrive", *shop.here, "--group", group, *WHY)
        assert f"--resume {operation}" in again.err
        await shop.until_counts(open=1, resolved=LETTERS)
    counts = Counts(shop.redelivered())
    assert counts - Counts(["later"]) == Counts(things)
    assert [thing for thing, _ in shop.effects()] == things
