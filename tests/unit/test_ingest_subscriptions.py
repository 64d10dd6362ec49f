"""What an intake listens to: questions in portions, changes alone, refusals of others told and of our own raised."""

from collections.abc import Sequence

import pytest

from contracts.errors import TransportError
from ingest.subscriptions import FILTERS_AT_ONCE, Subscriptions


class Broker:
    """Notes what it is asked; questions are numbered from 1."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.left: list[list[str]] = []

    def ask(self, filters: Sequence[str]) -> int:
        self.asked.append(list(filters))
        return len(self.asked)

    def leave(self, filters: Sequence[str]) -> None:
        self.left.append(list(filters))


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def made(broker: Broker) -> Subscriptions:
    return Subscriptions(["own/+"], ["figure"], broker.ask, broker.leave)


def test_a_connection_asks_for_everything_in_portions_and_is_settled_by_the_last_answer(
    broker: Broker, made: Subscriptions
) -> None:
    made.listen_to([f"gw/{number}" for number in range(FILTERS_AT_ONCE)])
    made.begin()
    assert [len(each) for each in broker.asked] == [FILTERS_AT_ONCE, 1]
    assert broker.asked[0][0] == "own/+"
    assert made.answered(2, [""]) == []
    assert not made.settled
    assert made.answered(1, [""] * FILTERS_AT_ONCE) == []
    assert made.settled


def test_a_connection_that_goes_on_is_asked_for_changes_alone(broker: Broker, made: Subscriptions) -> None:
    made.begin()
    made.follow()
    made.listen_to(["a", "b", "figure"])
    made.follow()
    made.listen_to(["b"])
    made.follow()
    assert broker.asked == [["own/+", "figure"], ["a", "b"]]
    assert broker.left == [["a", "figure"]]


def test_questions_of_an_older_connection_are_forgotten(broker: Broker, made: Subscriptions) -> None:
    made.begin()
    made.begin()
    with pytest.raises(TransportError, match="not asked"):
        made.answered(1, ["", ""])
    assert made.answered(2, ["", ""]) == []


def test_what_is_refused_of_our_own_is_told_and_is_none_of_the_others(made: Subscriptions) -> None:
    made.begin()
    assert made.answered(1, ["Not authorized", "Not authorized"]) == ["own/+: Not authorized"]
    assert made.refused == {"figure"}


def test_a_refused_filter_is_so_until_it_is_granted_or_no_longer_wanted(made: Subscriptions) -> None:
    made.listen_to(["a", "b"])
    made.begin()
    made.answered(1, ["", "no", "no"])
    assert made.refused == {"a", "b"}
    made.listen_to(["a"])
    made.follow()
    assert made.refused == {"a"}
    made.begin()
    made.answered(2, ["", ""])
    assert made.refused == frozenset()


def test_an_answer_of_another_length_is_none(made: Subscriptions) -> None:
    made.begin()
    with pytest.raises(TransportError, match="is it an MQTT 5 broker"):
        made.answered(1, [""])
