"""What the broker throws away because a queue is full is heard: by the count that Mosquitto publishes of itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app import accounts
from app.services.broker import Broker
from app.services.broker_settings import BrokerLimits
from ingest.mqtt import Intake
from simulators.publish import Account, publish_all

TOPIC = "andaman/v1/testville/wichit/air-01/readings"
PATIENCE_S = 30.0


@pytest.fixture
def broker(run_folder: Path) -> Iterator[Broker]:
    """One that keeps five messages for who is away, and speaks of itself every second."""
    made = Broker(run_folder / "drops", limits=BrokerLimits(queued_messages=5, sys_interval_s=1))
    made.start()
    try:
        made.set_accounts(dict.fromkeys((accounts.PIPELINE, accounts.REPLAYER), "secret"), accounts.ACCESS)
        yield made
    finally:
        made.stop()


@contextmanager
def intake(broker: Broker, name: str) -> Iterator[Intake]:
    """One that is there, under a name whose session stays."""
    url = accounts.with_account(broker.url, accounts.PIPELINE, "secret")
    with closing(Intake(url, name, [TOPIC], lambda state: None, lambda: 0)) as made:
        made.open()
        yield made


def overflow(broker: Broker) -> None:
    """More messages than the queue of somebody who is away holds."""
    publish_all(Account(broker.url, accounts.REPLAYER, "secret"), [(TOPIC, b"{}")] * 12)


def topics_until(made: Intake, condition: Callable[[], bool]) -> set[str]:
    """Take and acknowledge until something holds; the topics of all that came."""
    topics: set[str] = set()
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until_s, made.broker_dropped
        taken = made.take(100, 0.2)
        made.acknowledge([each.token for each in taken])
        topics |= {each.topic for each in taken}
    return topics


@pytest.mark.slow
def test_what_a_full_queue_drops_is_counted_apart_from_what_devices_say(broker: Broker) -> None:
    with intake(broker, "away"):
        pass
    with intake(broker, "there") as there:
        overflow(broker)
        assert topics_until(there, lambda: there.broker_dropped > 0) <= {TOPIC}
    assert there.refused_filters == frozenset()


@pytest.mark.slow
def test_what_was_dropped_while_nobody_listened_is_heard_at_the_next_connection(broker: Broker) -> None:
    """Also by who listens to other families: what he hears besides does not take its place."""
    with intake(broker, "away"):
        pass
    with intake(broker, "there") as there:
        overflow(broker)
        topics_until(there, lambda: there.broker_dropped > 0)
    with intake(broker, "away") as back:
        back.listen_to(["tele/a"])
        topics_until(back, lambda: back.broker_dropped > 0)
        assert back.broker_dropped >= there.broker_dropped
