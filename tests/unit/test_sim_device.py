"""A device numbers what it says, keeps it until it is settled, and sends it again when it must."""

from simulators.device import PATIENCE_MAX_US, PATIENCE_US, RESEND_BATCH, WINDOW, Device

SECOND = 1_000_000


def say(device: Device, number: int = 1, now_us: int = 0) -> None:
    for _one in range(number):
        if device.has_room(10):
            device.keep("topic", b"0123456789", now_us)


def taken(device: Device) -> list[int]:
    found = []
    while (message := device.take()) is not None:
        found.append(message.seq)
    return found


def deliver(device: Device) -> list[int]:
    """Everything that is to be sent, acknowledged at once."""
    found: list[int] = []
    while (message := device.take()) is not None:
        device.acknowledged(message.seq)
        found.append(message.seq)
    return found


def test_numbers_count_from_one_without_a_hole() -> None:
    device = Device(boot=5)
    device.connected(0)
    assert device.next_seq == 1
    say(device, 3)
    assert taken(device) == [1, 2, 3]
    assert (device.said, device.kept) == (3, 3)


def test_nothing_is_sent_without_a_connection_and_everything_after_it() -> None:
    device = Device(boot=5)
    say(device, 4)
    assert taken(device) == []
    device.connected(0)
    assert taken(device) == [1, 2, 3, 4]


def test_no_more_is_under_way_than_the_window() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device, WINDOW + 5)
    assert len(taken(device)) == WINDOW
    device.acknowledged(1)
    assert taken(device) == [WINDOW + 1]


def test_the_brokers_word_alone_forgets_nothing() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device, 3)
    assert deliver(device) == [1, 2, 3]
    assert device.kept == 3


def test_the_mark_forgets_what_it_passes() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device, 5)
    deliver(device)
    device.settle(5, 3, SECOND)
    assert (device.kept, device.marked, device.kept_bytes) == (2, 3, 20)
    device.settle(5, 2, SECOND)
    assert device.marked == 3


def test_a_mark_of_another_life_or_of_the_future_means_nothing() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device, 5)
    device.settle(4, 5, SECOND)
    device.settle(5, 6, SECOND)
    assert device.kept == 5


def test_what_lies_above_the_mark_is_sent_again_after_a_reconnect() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device, 5)
    deliver(device)
    device.settle(5, 2, SECOND)
    device.disconnected()
    say(device)
    device.connected(2 * SECOND)
    assert taken(device) == [3, 4, 5, 6]
    assert device.resent == 3


def test_a_mark_that_stands_still_brings_the_oldest_again_and_patience_grows() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device, RESEND_BATCH + 50)
    deliver(device)
    device.tend(PATIENCE_US - 1)
    assert deliver(device) == []
    device.tend(PATIENCE_US)
    assert deliver(device) == list(range(1, RESEND_BATCH + 1))
    device.tend(2 * PATIENCE_US)
    assert deliver(device) == []
    device.tend(3 * PATIENCE_US)
    assert deliver(device) == list(range(1, RESEND_BATCH + 1))
    now_us, resends = 3 * PATIENCE_US, 0
    for _second in range(3_600):
        now_us += SECOND
        device.tend(now_us)
        resends += bool(deliver(device))
    assert 3_600 * SECOND // PATIENCE_MAX_US - 2 <= resends <= 3_600 * SECOND // PATIENCE_MAX_US + 3


def test_a_recovery_goes_on_as_the_mark_moves() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device, 250)
    deliver(device)
    device.tend(PATIENCE_US)
    assert deliver(device) == list(range(1, 101))
    device.settle(5, 100, PATIENCE_US + SECOND)
    assert deliver(device) == list(range(101, 201))
    device.settle(5, 250, PATIENCE_US + 2 * SECOND)
    assert device.kept == 0
    say(device, 3)
    deliver(device)
    device.settle(5, 251, PATIENCE_US + 3 * SECOND)
    assert deliver(device) == []


def test_a_quiet_device_is_not_impatient_with_its_first_word() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device, now_us=0)
    deliver(device)
    device.settle(5, 1, SECOND)
    say(device, now_us=600 * SECOND)
    deliver(device)
    device.tend(601 * SECOND)
    assert deliver(device) == []


def test_what_the_broker_refuses_comes_again_later() -> None:
    device = Device(boot=5)
    device.connected(0)
    say(device)
    assert taken(device) == [1]
    device.not_taken(1)
    assert taken(device) == []
    device.tend(PATIENCE_US)
    assert taken(device) == [1]


def test_a_full_memory_refuses_what_is_new_before_it_has_a_number() -> None:
    device = Device(boot=5, memory_messages=3)
    say(device, 5)
    assert (device.said, device.kept, device.refused) == (3, 3, 2)
    device.connected(0)
    assert taken(device) == [1, 2, 3]


def test_a_full_memory_believes_the_broker_for_want_of_a_mark() -> None:
    device = Device(boot=5, memory_messages=3)
    device.connected(0)
    say(device, 3)
    deliver(device)
    say(device, 2)
    assert (device.said, device.kept, device.refused) == (5, 3, 0)
    assert deliver(device) == [4, 5]


def test_memory_is_bounded_in_bytes() -> None:
    device = Device(boot=5, memory_bytes=35)
    say(device, 9)
    assert (device.kept, device.kept_bytes, device.refused) == (3, 30, 6)
