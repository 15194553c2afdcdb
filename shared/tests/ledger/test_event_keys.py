"""The ledger's key of an event."""

from __future__ import annotations

from farandole.ledger import event_key


def test_a_key_has_sixteen_bytes_whatever_the_ids_length():
    assert {len(event_key(source, "é" * length)) for source in ("", "orders") for length in (0, 1, 256)} == {16}


def test_a_key_never_changes_between_releases_as_ledgers_and_inboxes_hold_it():
    assert event_key("orders", "order-1-placed").hex() == "abc9db959e358f7c39ecb3870c9ef8b5"


def test_sources_ids_and_replays_do_not_meet():
    keys = [
        event_key("orders", "1"),
        event_key("payments", "1"),
        event_key("orders", "2"),
        event_key("orders", "1", "replay-7"),
        event_key("orders1", ""),
        event_key("order", "s1"),
        event_key("", "orders1"),
        event_key("orders", "", "1"),
    ]
    assert len(set(keys)) == len(keys)
