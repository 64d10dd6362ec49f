"""Guessing passwords takes years; mistyping one takes nothing."""

from api.throttle import ENTRIES_MAX, FREE_FAILURES, FREE_FAILURES_ADDRESS, LONGEST_WAIT_S, Throttle


class Clock:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_few_mistakes_cost_no_time() -> None:
    throttle = Throttle(Clock())
    for _ in range(FREE_FAILURES - 1):
        throttle.failed("somchai", "10.0.0.1")
    assert throttle.wait_s("somchai", "10.0.0.1") == 0


def test_waiting_doubles_with_each_failure_up_to_a_quarter_of_an_hour() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(FREE_FAILURES + 12):
        throttle.failed("somchai", "10.0.0.1")
        waits.append(throttle.wait_s("somchai", "10.0.0.2"))
        clock.now_s += waits[-1]
    assert waits[FREE_FAILURES - 1 : FREE_FAILURES + 3] == [2.0, 4.0, 8.0, 16.0]
    assert waits[-1] == LONGEST_WAIT_S


def test_an_address_that_tries_many_names_has_to_wait_with_all_of_them() -> None:
    throttle = Throttle(Clock())
    for number in range(FREE_FAILURES_ADDRESS):
        throttle.failed(f"name-{number}", "10.0.0.1")
    assert throttle.wait_s("another", "10.0.0.1") > 0
    assert throttle.wait_s("another", "10.0.0.2") == 0


def test_a_right_password_forgives_the_name_and_not_the_address() -> None:
    throttle = Throttle(Clock())
    for _ in range(FREE_FAILURES_ADDRESS):
        throttle.failed("somchai", "10.0.0.1")
    throttle.succeeded("somchai")
    assert throttle.wait_s("somchai", "10.0.0.2") == 0
    assert throttle.wait_s("somchai", "10.0.0.1") > 0


def test_many_names_do_not_fill_the_memory() -> None:
    throttle = Throttle(Clock())
    for number in range(ENTRIES_MAX + 100):
        throttle.failed(f"name-{number}", f"address-{number}")
    assert len(throttle._failures) == ENTRIES_MAX
