"""The queue between network and fold: bounded, in order, and nothing of QoS 1 is ever dropped."""

import threading
from collections.abc import Sequence

from contracts.delivery import Delivery
from ingest.mail import Mail
from ingest.mailbox import TAKEN_BYTES, Mailbox


def delivery(number: int, connection: int = 1, qos: int = 1, size: int = 1) -> Delivery:
    return Delivery(str(number), b"." * size, number, token=(connection, number, qos))


def topics(taken: Sequence[Delivery]) -> list[str]:
    return [each.topic for each in taken]


def test_what_is_put_is_taken_in_order_and_once() -> None:
    mail = Mailbox(10, 100)
    for number in range(5):
        mail.put(Mail.of([delivery(number)]))
    assert topics(mail.take(3, 0)) == ["0", "1", "2"]
    assert topics(mail.take(3, 0)) == ["3", "4"]
    assert mail.take(3, 0) == []


def test_unconfirmed_deliveries_are_dropped_beyond_either_bound_and_confirmed_ones_are_not() -> None:
    for mail in (Mailbox(2, 1_000), Mailbox(1_000, 4)):
        for number in range(3):
            mail.put(Mail.of([delivery(number, qos=0)]))
        mail.put(Mail.of([delivery(3, qos=1)]))
        assert mail.dropped == 1
        assert topics(mail.take(9, 0)) == ["0", "1", "3"]


def test_what_is_dropped_leaves_no_bytes_behind() -> None:
    small, large = delivery(0, size=3), [delivery(number, qos=0, size=10_000) for number in (1, 2)]
    dropping, forgetting = Mailbox(0, 100), Mailbox(10, 100_000)
    dropping.put(Mail.of([large[0], small, large[1]]))
    assert (dropping.dropped, dropping.take(9, 0).stream.size) == (2, 4)
    forgetting.put(Mail.of([delivery(0, size=10_000), delivery(1, qos=0, size=3), delivery(2, size=10_000)]))
    forgetting.forget_before(2)
    assert forgetting.take(9, 0).stream.size == 4


def test_what_stays_beside_what_is_dropped_stays_as_it_was() -> None:
    mail = Mailbox(0, 100_000)
    each = [delivery(number, qos=number % 2, size=number) for number in range(7)]
    mail.put(Mail.of(each))
    assert mail.take(9, 0) == each[1::2]


def test_room_comes_back_when_something_is_taken() -> None:
    mail = Mailbox(1_000, 11)
    mail.put(Mail.of([delivery(0, size=10)]))
    assert (mail.heavy, mail.full) == (True, True)
    mail.take(1, 0)
    assert (mail.heavy, mail.full) == (False, False)


def test_confirmed_deliveries_of_older_connections_are_forgotten_and_others_kept() -> None:
    mail = Mailbox(10, 100)
    mail.put(Mail.of([delivery(0), delivery(1, qos=0), delivery(2, connection=2)]))
    mail.forget_before(2)
    assert topics(mail.take(9, 0)) == ["1", "2"]
    assert not mail.full


def test_a_waiting_taker_gets_what_is_put() -> None:
    mail = Mailbox(10, 100)
    taken: list[Delivery] = []
    taker = threading.Thread(target=lambda: taken.extend(mail.take(1, 10)))
    taker.start()
    mail.put(Mail.of([delivery(7)]))
    taker.join(10)
    assert topics(taken) == ["7"]


def test_a_wake_lets_one_waiting_go() -> None:
    mail = Mailbox(10, 100)
    mail.wake()
    assert mail.take(1, 10) == []


def test_many_bytes_are_taken_in_several_goes_and_a_single_message_whole() -> None:
    mail = Mailbox(10, 10 * TAKEN_BYTES)
    mail.put(Mail.of([delivery(0, size=TAKEN_BYTES // 2), delivery(1, size=TAKEN_BYTES // 2), delivery(2)]))
    mail.put(Mail.of([delivery(3, size=2 * TAKEN_BYTES), delivery(4)]))
    assert [topics(mail.take(9, 0)) for _ in range(3)] == [["0", "1"], ["2", "3"], ["4"]]
    assert not mail.full and len(mail) == 0
