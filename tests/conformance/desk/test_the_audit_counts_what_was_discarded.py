"""An operator puts a dead letter aside, and takes it back; the audit counts it as such, and stays even.

What a database has handled cannot be put aside. A letter that contradicts the ledger, of a service without one, can.
"""

from __future__ import annotations

import pytest
from audited import counts, kinds
from counter import LONG, WHY, Counter

pytestmark = pytest.mark.mesh


async def test_a_discarded_letter_is_counted_as_discarded_until_it_is_opened_again(shop: Counter):
    await shop.die("a", "b")
    assert (await shop.json("discard", "a", *WHY))["marked"] == 1
    report = await shop.mesh.audit()
    assert (counts(report), report.is_good) == ({"discarded": 1, "dead": 1}, True)
    assert await shop.counts() == {"open": 1, "discarded": 1}

    refused = await shop.dlq("redrive", "a", *shop.here, *WHY)
    assert refused.code == 2
    assert "farandole dlq reopen" in refused.err

    assert (await shop.json("reopen", "a", *WHY))["marked"] == 1
    assert counts(await shop.mesh.audit()) == {"dead": 2}
    shop.shop.mended = True
    assert (await shop.redrive("a", "b"))["done"] == 2
    assert counts(await shop.mesh.audit()) == {"done": 2}


@LONG
async def test_what_was_handled_since_is_resolved_and_cannot_be_discarded(shop: Counter):
    await shop.die("a")
    shop.shop.mended = True
    await shop.redrive("a")
    refused = await shop.dlq("discard", "a", *shop.here, *WHY)
    assert refused.code == 2
    assert "its database handled it at attempt 1" in refused.err
    assert counts(await shop.mesh.audit()) == {"done": 1}


@LONG
async def test_a_letter_without_a_database_that_contradicts_the_ledger_can_be_put_aside(plain: Counter):
    await plain.die("a")
    record = await plain.mesh.record(f"{plain.shop.tag}.dlq", "a")
    plain.shop.mended = True
    await plain.redrive("a")
    await plain.mesh.send_private(f"{plain.shop.tag}.dlq", record, attempt=5)
    assert kinds(await plain.mesh.audit()) == {"a": "done and dead"}
    refused = await plain.dlq("redrive", "a", *plain.here, *WHY)
    assert "which is final" in refused.err
    await plain.json("discard", "a", *WHY)
    report = await plain.mesh.audit()
    assert (counts(report), report.is_good) == ({"done": 1}, True)
