"""What waits to be published is bounded and the newest of its topic; a bell wakes whoever polls it, once."""

import select

from ingest.outbox import MAX_OUTBOX, Bell, Outbox


def test_what_waits_goes_in_the_order_of_its_topics_and_the_newest_of_each() -> None:
    outbox = Outbox()
    for topic, payload in (("a", b"1"), ("b", b"2"), ("a", b"3"), ("c", b"4")):
        assert outbox.put(topic, payload, True)
    assert outbox.next(2) == [("a", b"3", True), ("b", b"2", True)]
    assert outbox.next(2) == [("c", b"4", True)]
    assert outbox.next(2) == []


def test_without_room_a_new_topic_is_refused_and_counted_and_a_known_one_is_replaced() -> None:
    outbox = Outbox()
    for number in range(MAX_OUTBOX):
        outbox.put(str(number), b"", False)
    assert not outbox.put("another", b"", False)
    assert outbox.put("0", b"newer", False)
    assert (outbox.refused, outbox.next(1)) == (1, [("0", b"newer", False)])


def test_a_bell_that_was_rung_often_is_heard_once_and_rings_anew() -> None:
    bell, poll = Bell(), select.poll()
    poll.register(bell, select.POLLIN)
    for _ in range(2):
        assert poll.poll(0) == []
        for _ in range(100_000):
            bell.ring()
        assert len(poll.poll(0)) == 1
        bell.hear()
    bell.close()
    bell.ring()
