"""What the intake listens to besides its own filters can change while it is connected, and outlives a connection."""

import itertools
from collections.abc import Iterator

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from contracts.delivery import Delivery
from ingest.connection import IntakeState
from ingest.mqtt import Intake
from ingest.subscriptions import FILTERS_AT_ONCE
from simulators.publish import publish_one
from tests.fixtures.tcp_proxy import TcpProxy, proxied
from tests.servers import BrokerServer

PATIENCE_S = 10.0
OWN = "andaman/v1/test/+/+/+"
NATIVE = "andaman/v1/test/zone/device/readings"
ACL = (
    "user intake", "topic read andaman/#", "topic read tele/#", "topic read gw/#",
    "user field", "topic write andaman/#", "topic write tele/#", "topic write gw/#",
)  # fmt: skip
_names = (f"test-filters-{number}" for number in itertools.count())


@pytest.fixture
def proxy(broker: BrokerServer) -> Iterator[TcpProxy]:
    broker.set_accounts({"intake": "in", "field": "out"}, ACL)
    with proxied(broker.url) as proxy:
        yield proxy


@pytest.fixture
def intake(proxy: TcpProxy) -> Iterator[Intake]:
    url = proxy.url.replace("mqtt://", "mqtt://intake:in@")
    made = Intake(url, next(_names), [OWN], _unheard, itertools.count(1).__next__)
    yield made
    made.close()


def _unheard(state: IntakeState) -> None:
    """Nobody asks."""


def say(broker: BrokerServer, topic: str, payload: str) -> None:
    publish_one(broker.url, "field", "out", topic, payload.encode())


def take(intake: Intake, count: int) -> list[Delivery]:
    taken: list[Delivery] = []
    while len(taken) < count:
        more = intake.take(count - len(taken), PATIENCE_S)
        assert more, f"{len(taken)} of {count} came"
        taken += more
    intake.acknowledge([delivery.token for delivery in taken])
    return taken


def heard(intake: Intake, count: int) -> list[str]:
    return [delivery.payload.decode() for delivery in take(intake, count)]


def until_heard(broker: BrokerServer, intake: Intake, topic: str) -> None:
    """Speak until it is heard: nobody is told when the broker has taken a change."""
    for attempt in range(100):
        say(broker, topic, f"attempt {attempt}")
        taken = intake.take(100, 0.1)
        intake.acknowledge([delivery.token for delivery in taken])
        if any(delivery.topic == topic for delivery in taken):
            return
    raise AssertionError(f"{topic} is not heard")


def test_all_filters_are_listened_to_once_open_returns(broker: BrokerServer, intake: Intake) -> None:
    many = [f"gw/{number}" for number in range(2 * FILTERS_AT_ONCE + 1)]
    intake.listen_to(many)
    intake.open(PATIENCE_S)
    for topic in (many[0], NATIVE, many[-1]):
        say(broker, topic, topic)
    assert heard(intake, 3) == [many[0], NATIVE, many[-1]]
    assert intake.refused_filters == frozenset()


def test_a_filter_is_added_and_taken_away_on_a_connection_that_goes_on(broker: BrokerServer, intake: Intake) -> None:
    intake.open(PATIENCE_S)
    intake.listen_to(["tele/a", "tele/b"])
    until_heard(broker, intake, "tele/b")
    intake.listen_to(["tele/b", "tele/c"])
    until_heard(broker, intake, "tele/c")
    for topic in ("tele/a", "tele/b", NATIVE):
        say(broker, topic, topic)
    said = heard(intake, 2)
    while "tele/b" not in said or NATIVE not in said:  # the last attempts may still be on their way
        said += heard(intake, 1)
    assert "tele/a" not in said
    assert intake.state.connection == 1


def test_a_message_on_two_lists_comes_once(broker: BrokerServer, intake: Intake) -> None:
    intake.listen_to(["tele/a"])
    intake.open(PATIENCE_S)
    intake.listen_to(["tele/a", "tele/b"])
    until_heard(broker, intake, "tele/b")
    say(broker, "tele/a", "once")
    say(broker, NATIVE, "last")
    said = heard(intake, 2)
    while "last" not in said:
        said += heard(intake, 1)
    assert said.count("once") == 1


def test_the_filters_hold_through_a_lost_connection(broker: BrokerServer, intake: Intake, proxy: TcpProxy) -> None:
    intake.listen_to(["tele/a"])
    intake.open(PATIENCE_S)
    proxy.cut()
    say(broker, "tele/a", "while away")
    assert heard(intake, 1) == ["while away"]


def test_a_filter_of_a_device_that_the_broker_refuses_is_told_and_stops_nobody(
    broker: BrokerServer, intake: Intake
) -> None:
    refused = ReasonCode(PacketTypes.SUBACK, identifier=0x87)
    granted = ReasonCode(PacketTypes.SUBACK, identifier=1)
    intake.open(PATIENCE_S)
    intake._subscriptions._asked[7] = ["tele/a", "tele/b"]
    intake._subscribed(intake._client, None, 7, [refused, granted], None)
    assert intake.refused_filters == {"tele/a"}
    say(broker, NATIVE, "still heard")
    assert heard(intake, 1) == ["still heard"]
    intake._subscriptions._asked[8] = ["tele/a"]
    intake._subscribed(intake._client, None, 8, [granted], None)
    assert intake.refused_filters == frozenset()
