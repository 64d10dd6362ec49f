"""What an intake listens to: filters of its own, others that come and go, and what the broker said to each question.

The broker is asked through functions that whoever makes it gives: this file does no I/O.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from contracts.errors import TransportError

FILTERS_AT_ONCE: Final = 100
"""In one SUBSCRIBE packet: at most 26 kB of filters."""


class Subscriptions:
    """The network thread's alone, but for `listen_to`."""

    def __init__(
        self,
        own: Iterable[str],
        besides: Iterable[str],
        ask: Callable[[Sequence[str]], int | None],
        leave: Callable[[Sequence[str]], object],
    ) -> None:
        """`ask` subscribes and returns the number of the question, None where the connection is broken."""
        self.refused: frozenset[str] = frozenset()
        """Filters besides our own that the broker refused; what is said there is not heard."""
        self._own, self._besides = tuple(own), frozenset(besides)
        self._ask_broker, self._leave = ask, leave
        self._heard: frozenset[str] = frozenset()
        self._asked: dict[int, Sequence[str]] = {}

    def listen_to(self, besides: Iterable[str]) -> None:
        """What to hear besides our own filters, from the next `begin` or `follow` on."""
        self._besides = frozenset(besides)

    def begin(self) -> None:
        """Ask for everything: on a new connection."""
        self._asked.clear()
        self._heard = self._besides
        self._ask([*self._own, *self._heard])

    def follow(self) -> None:
        """Ask for what changed, on a connection that goes on."""
        wanted, heard = self._besides, self._heard
        if wanted == heard:
            return
        self._heard = wanted
        self.refused &= wanted
        self._ask(sorted(wanted - heard))
        for some in _portions(sorted(heard - wanted)):
            self._leave(some)

    def answered(self, number: int, refusals: Sequence[str]) -> list[str]:
        """Note the broker's answer: why it refuses each filter of a question, "" where it does not. Returns what it
        refuses of our own, in words. One device's topics that it keeps from us are no reason to hear nobody.

        Raises:
            TransportError: nothing of the kind was asked.
        """
        asked = self._asked.pop(number, ())
        if len(asked) != len(refusals):
            raise TransportError("answered a subscription as it was not asked; is it an MQTT 5 broker?")
        refused = {each: why for each, why in zip(asked, refusals, strict=True) if why}
        self.refused = (self.refused - frozenset(asked)) | (refused.keys() - frozenset(self._own))
        return [f"{each}: {why}" for each, why in refused.items() if each in self._own]

    @property
    def settled(self) -> bool:
        """Whether every question is answered."""
        return not self._asked

    def _ask(self, filters: Sequence[str]) -> None:
        for some in _portions(filters):
            number = self._ask_broker(some)
            if number is not None:
                self._asked[number] = some


def _portions(filters: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(filters), FILTERS_AT_ONCE):
        yield filters[start : start + FILTERS_AT_ONCE]
