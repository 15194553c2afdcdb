"""Everything that the inventory hears may be told again by a replay: each of its handlers declares that it runs then.

An order is decided about once, goods of a purchase order are counted once, and a cancellation finds what it ended: so
whole histories are heard, then each event again, on shelves on which all that came later has happened.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from farandole import Event
from farandole.testing import assert_repeatable
from farandole_inventory.service import service
from farandole_inventory.settings import InventorySettings
from farandole_inventory.testing import goods_received, order_cancelled, order_placed

HISTORIES: dict[str, Sequence[Event]] = {
    "reserved, then given back": [order_placed("o-1", chai=5), order_cancelled("o-1")],
    "cancelled before it came": [order_cancelled("o-1"), order_placed("o-1", chai=5)],
    "rejected": [order_placed("o-1", gumbo=21), order_cancelled("o-1")],
    "waited, then supplied": [
        order_placed("o-1", chai=30),
        order_placed("o-2", chai=30),
        goods_received("p-1", "chai", 40),
        order_placed("o-3", chai=10),
    ],
    "waited, and gave up": [order_placed("o-1", chai=30), order_placed("o-2", chai=30), order_cancelled("o-2")],
    "supplied by what another gave back": [
        order_placed("o-1", chai=30),
        order_placed("o-2", chai=30),
        order_cancelled("o-1"),
    ],
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=list(HISTORIES))
async def test_a_history_that_is_told_again_moves_nothing(shop: InventorySettings, history: Sequence[Event]) -> None:
    await assert_repeatable(service, *history, provide={InventorySettings: shop})


def test_whatever_may_run_in_a_replay_is_proved_repeatable_above() -> None:
    proved = {type(event) for history in HISTORIES.values() for event in history}
    assert {one.event for one in service.handlers if one.on_replay == "run"} == proved
