"""What became of every order is counted from outside: by the gateway's holds and the answers in Kafka."""

from __future__ import annotations

from farandole_sandbox.storm.count import Counted, count
from made_up_storm import answer, dead_letter, hold


def counted(orders=("a", "b"), *, records=(), dead=(), effects=()) -> Counted:
    return count(orders, records=records, dead=dead, effects=effects)


def figures(found: Counted) -> tuple[int, int, int, int]:
    return found.answered, found.dead, found.lost, found.doubled


def test_an_order_with_one_hold_and_one_answer_is_answered():
    found = counted(records=[answer("a"), answer("b")], effects=[hold("a"), hold("b")])
    assert figures(found) == (2, 0, 0, 0)


def test_a_declined_order_needs_no_hold():
    found = counted(["a"], records=[answer("a", kind="PaymentDeclined")])
    assert figures(found) == (1, 0, 0, 0)


def test_an_order_without_an_answer_is_lost_also_when_money_is_held():
    assert figures(counted(effects=[hold("a")])) == (0, 0, 2, 0)


def test_an_order_that_is_said_to_be_authorised_with_no_money_held_is_lost():
    assert figures(counted(["a"], records=[answer("a")])) == (1, 0, 1, 0)


def test_a_dead_letter_is_not_lost():
    assert figures(counted(["a"], dead=[dead_letter("a")])) == (0, 1, 0, 0)


def test_a_dead_letter_that_lies_there_twice_is_one():
    assert counted(["a"], dead=[dead_letter("a"), dead_letter("a")]).dead == 1


def test_two_holds_of_an_order_are_a_double():
    found = counted(["a"], records=[answer("a")], effects=[hold("a"), hold("a", 2)])
    assert figures(found) == (1, 0, 0, 1)


def test_two_answers_with_different_ids_are_a_double():
    found = counted(["a"], records=[answer("a"), answer("a", event_id="another")], effects=[hold("a")])
    assert figures(found) == (1, 0, 0, 1)


def test_two_records_of_one_answer_are_one():
    found = counted(["a"], records=[answer("a"), answer("a")], effects=[hold("a")])
    assert figures(found) == (1, 0, 0, 0)


def test_an_answer_to_an_order_that_nobody_queued_doubles_only_where_there_are_two():
    strange = [answer("z"), answer("z", event_id="another")]
    assert figures(counted([], records=strange)) == (0, 0, 0, 1)


def test_other_events_of_the_topic_are_no_answers():
    voided = answer("a", kind="PaymentVoided", at=900.0)
    found = counted(["a"], records=[answer("a", at=5.0), voided], effects=[hold("a")])
    assert (figures(found), found.last) == ((1, 0, 0, 0), 5.0)


def test_the_last_answer_ends_the_drain():
    found = counted(records=[answer("a", at=7.0), answer("b", at=9.5)], effects=[hold("a"), hold("b")])
    assert found.last == 9.5
