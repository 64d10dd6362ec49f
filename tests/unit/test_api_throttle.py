"""Guessing passwords takes years; mistyping one takes nothing."""

from api.throttle import ENTRIES_MAX, FREE_FAILURES, FREE_FAILURES_ADDRESS, LONGEST_WAIT_S, Throttle


class Clock:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def begin(throttle: Throttle, times: int, name: str = "somchai", address: str = "10.0.0.1") -> list[float]:
    return [throttle.begin(name, address) for _ in range(times)]


def test_a_few_mistakes_cost_no_time() -> None:
    assert begin(Throttle(Clock()), FREE_FAILURES) == [0.0] * FREE_FAILURES


def test_waiting_doubles_with_each_failure_up_to_a_quarter_of_an_hour() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    begin(throttle, FREE_FAILURES)
    waits = []
    for number in range(12):
        waits.append(throttle.begin("somchai", f"10.0.1.{number}"))
        clock.now_s += waits[-1]
        assert throttle.begin("somchai", f"10.0.1.{number}") == 0
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert waits[-1] == LONGEST_WAIT_S


def test_attempts_made_at_once_count_before_any_of_them_has_failed() -> None:
    waits = begin(Throttle(Clock()), 100)
    assert waits.count(0.0) == FREE_FAILURES


def test_an_attempt_that_has_to_wait_is_not_counted() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits = begin(throttle, FREE_FAILURES + 100)
    clock.now_s += waits[-1]
    assert throttle.begin("somchai", "10.0.0.1") == 0


def test_an_address_that_tries_many_names_has_to_wait_with_all_of_them() -> None:
    throttle = Throttle(Clock())
    for number in range(FREE_FAILURES_ADDRESS):
        assert throttle.begin(f"name-{number}", "10.0.0.1") == 0
    assert throttle.begin("another", "10.0.0.1") > 0
    assert throttle.begin("another", "10.0.0.2") == 0


def test_a_right_password_forgives_the_name_and_not_the_address() -> None:
    throttle = Throttle(Clock())
    for number in range(FREE_FAILURES_ADDRESS - 2):
        throttle.begin(f"name-{number}", "10.0.0.1")
    for _ in range(3):
        assert throttle.begin("somchai", "10.0.0.1") == 0
        throttle.succeeded("somchai", "10.0.0.1")
    assert begin(throttle, 3, "another")[:2] == [0.0, 0.0]
    assert throttle.begin("somchai", "10.0.0.1") > 0


def test_whoever_guesses_a_name_elsewhere_does_not_keep_its_owner_out() -> None:
    throttle = Throttle(Clock())
    throttle.begin("somchai", "10.0.0.1")
    throttle.succeeded("somchai", "10.0.0.1")
    assert max(begin(throttle, 100, address="10.0.0.66")) > 0
    assert begin(throttle, FREE_FAILURES + 1) == [0.0] * FREE_FAILURES + [2.0]


def test_many_names_do_not_fill_the_memory() -> None:
    throttle = Throttle(Clock())
    for number in range(ENTRIES_MAX + 100):
        throttle.begin(f"name-{number}", f"address-{number}")
        throttle.succeeded(f"name-{number}", f"address-{number}")
        throttle.begin(f"name-{number}", f"address-{number}")
    assert len(throttle._failures) == len(throttle._homes) == ENTRIES_MAX
