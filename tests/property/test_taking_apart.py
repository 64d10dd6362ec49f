"""A batch that broke is taken apart in order, whoever of it is an offender and whenever the database goes away."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.taking_apart import take_apart
from contracts.delivery import Delivery
from contracts.errors import StorageUnavailable

COUNT = 9
MESSAGES = [Delivery("andaman/v1/a/b/c/readings", b"%d" % at, at) for at in range(COUNT)]


class Shop:
    """A pipeline whose batches break where they hold an offender, and whose environment fails at certain tries.

    `away`: tries, counted over all turns, at which the database is away. `wrong`: those at which our clock is wrong.
    """

    def __init__(self, offenders: set[int], away: set[int], wrong: set[int]) -> None:
        self.log: list[int] = []
        self.aside: list[int] = []
        self.held = list(MESSAGES)
        self.whole = True
        self._offenders, self._away, self._wrong, self._tries = offenders, away, wrong, 0

    def start_over(self) -> list[Delivery]:
        held, self.held = self.held, []
        self.recover()
        return held

    def recover(self) -> None:
        self.whole = True

    def commit_now(self, deliveries: Sequence[Delivery]) -> bool:
        assert self.whole
        self._tries += 1
        if self._tries in self._wrong:
            self.hold(deliveries)
            return not deliveries
        self.whole = False
        if self._tries in self._away:
            raise StorageUnavailable
        numbers = [delivery.received_us for delivery in deliveries]
        if self._offenders & set(numbers):
            raise ArithmeticError
        self.log += numbers
        self.whole = True
        return True

    def set_aside(self, delivery: Delivery, detail: str) -> None:
        assert self.whole and detail.startswith("ArithmeticError")
        self.log.append(delivery.received_us)
        self.aside.append(delivery.received_us)

    def hold(self, deliveries: Sequence[Delivery]) -> None:
        self.held += [delivery for delivery in deliveries if delivery not in self.held]


TRIES = st.sets(st.integers(1, 40), max_size=8)


@given(offenders=st.sets(st.integers(0, COUNT - 1)), away=TRIES, wrong=TRIES)
def test_what_came_later_is_never_in_the_log_before_what_came_earlier(
    offenders: set[int], away: set[int], wrong: set[int]
) -> None:
    shop = Shop(offenders, away, wrong)
    for _ in range(len(away | wrong) + 1):
        take_apart(shop)
        assert [*shop.log, *(delivery.received_us for delivery in shop.held)] == list(range(COUNT))
    assert shop.log == list(range(COUNT)) and set(shop.aside) == offenders
