"""The packed records that the script reads."""

from __future__ import annotations

from farandole.delivery import Coordinates
from farandole.ledger import Claim, Settle, State, event_key
from farandole.ledger.packing import Packer, topic_digest, unpack_entry

HERE = Coordinates(topic="orders", partition=3, offset=41, topic_id="Xk3")
KEY = event_key("orders", "1")


def test_records_have_the_sizes_that_the_script_steps_by():
    packer = Packer()
    claims = [Claim(key=KEY, attempt=0, coordinates=HERE)] * 3
    settles = [Settle(key=KEY, attempt=0, coordinates=HERE, state=State.DONE)] * 3
    assert (len(packer.claims(claims)), len(packer.settles(settles))) == (3 * 44, 3 * 49)


def test_an_entry_whose_topics_name_was_lost_is_still_shown():
    digest = topic_digest(("orders", "Xk3"))
    packed = b"r" + (2).to_bytes(4, "big") + digest + (3).to_bytes(4, "big") + (41).to_bytes(8, "big") + bytes(4)
    assert unpack_entry(packed, {digest: ("orders", "Xk3")}).coordinates == HERE
    assert unpack_entry(packed, {}).coordinates == Coordinates(topic=digest.hex(), partition=3, offset=41)


def test_a_topic_and_its_recreation_have_different_digests_as_have_names_that_only_join_alike():
    assert len({topic_digest(name) for name in (("a", "b"), ("a", "c"), ("ab", ""), ("", "ab"))}) == 4
