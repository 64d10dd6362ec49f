"""The embedded Mosquitto: an account for everybody, rules that hold, sessions that outlive a restart."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.services.broker import Broker
from app.services.ports import choose_port
from contracts.errors import ConfigError

PATIENCE_S = 10.0
ACL = ("user camera", "topic write field/camera/#", "user desk", "topic read field/#")
ACCOUNTS = {"camera": "one", "desk": "two"}


class Session:
    """One connection, with what arrived on it."""

    def __init__(self, url: str, user: str | None, password: str | None, session_s: int = 0) -> None:
        self.answer: str | None = None
        self.received: list[bytes] = []
        self._changed = threading.Condition()
        self._subscribed = 0
        self._paho = mqtt.Client(CallbackAPIVersion.VERSION2, f"test-{user}", protocol=mqtt.MQTTv5)
        if user is not None:
            self._paho.username_pw_set(user, password)
        self._paho.on_connect = lambda *got: self._note(answer=str(got[3]))
        self._paho.on_message = lambda _, __, message: self._note(message=bytes(message.payload))
        self._paho.on_subscribe = lambda *_: self._note(subscribed=True)
        expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        expiry.SessionExpiryInterval = session_s
        port = urlsplit(url).port
        assert port is not None
        self._paho.connect("127.0.0.1", port, clean_start=session_s == 0, properties=expiry)
        self._paho.loop_start()
        self.wait(lambda: self.answer is not None)

    def _note(self, answer: str | None = None, message: bytes | None = None, subscribed: bool = False) -> None:
        with self._changed:
            self.answer = answer or self.answer
            self._subscribed += subscribed
            if message is not None:
                self.received.append(message)
            self._changed.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE_S)

    def subscribe(self, topic: str) -> None:
        self._paho.subscribe(topic, qos=1)
        self.wait(lambda: self._subscribed > 0)

    def leave_subscribed(self, topic: str) -> None:
        self.subscribe(topic)
        self.close()

    def publish(self, topic: str, payload: bytes) -> None:
        self._paho.publish(topic, payload, qos=1).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()


@pytest.fixture
def own_broker(run_folder: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    broker = Broker(run_folder / request.node.name[:40], choose_port())  # not near those of other runs
    broker.start()
    broker.set_accounts(ACCOUNTS, ACL)
    yield broker
    broker.stop()


def answer_to(broker: Broker, user: str | None, password: str | None = None) -> str | None:
    session = Session(broker.url, user, password)
    session.close()
    return session.answer


def test_nobody_connects_without_the_right_password(own_broker: Broker) -> None:
    assert answer_to(own_broker, "camera", "one") == "Success"
    assert answer_to(own_broker, "camera", "two") == "Not authorized"
    assert answer_to(own_broker, "stranger", "one") == "Not authorized"
    assert answer_to(own_broker, None) == "Not authorized"


def test_a_new_account_may_connect_as_soon_as_it_is_set_and_a_removed_one_may_not(own_broker: Broker) -> None:
    assert answer_to(own_broker, "late", "three") == "Not authorized"
    own_broker.set_accounts({**ACCOUNTS, "late": "three"}, ACL)
    assert answer_to(own_broker, "late", "three") == "Success"
    own_broker.set_accounts(ACCOUNTS, ACL)
    assert answer_to(own_broker, "late", "three") == "Not authorized"


def test_a_device_writes_its_own_topics_only(own_broker: Broker) -> None:
    desk = Session(own_broker.url, "desk", "two")
    desk.subscribe("field/#")
    camera = Session(own_broker.url, "camera", "one")
    camera.publish("field/somebody-else/passage", b"forged")
    camera.publish("field/camera/passage", b"true")
    desk.wait(lambda: bool(desk.received))
    assert desk.received == [b"true"]
    camera.close()
    desk.close()


def test_accounts_and_waiting_messages_outlive_a_restart(own_broker: Broker) -> None:
    Session(own_broker.url, "desk", "two", session_s=600).leave_subscribed("field/#")
    camera = Session(own_broker.url, "camera", "one")
    camera.publish("field/camera/passage", b"kept")
    camera.close()
    address = own_broker.url
    own_broker.stop()
    own_broker.start()
    assert own_broker.url == address
    desk = Session(own_broker.url, "desk", "two", session_s=600)
    desk.wait(lambda: desk.received == [b"kept"])
    desk.close()


def test_a_second_start_ends_the_broker_that_a_killed_run_left_behind(own_broker: Broker, run_folder: Path) -> None:
    left = own_broker.pid
    assert left is not None
    assert own_broker._lock is not None
    own_broker._lock.close()  # what the system does when the starter is killed
    second = Broker(own_broker._data)
    second.start()
    try:
        assert second.pid != left
        assert own_broker.poll() is not None
        assert answer_to(second, "camera", "one") == "Success"
    finally:
        second.stop()


def test_a_broker_that_was_killed_starts_again_on_its_port(own_broker: Broker) -> None:
    address, pid = own_broker.url, own_broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    own_broker.start()
    assert (own_broker.url, answer_to(own_broker, "camera", "one")) == (address, "Success")


def test_a_fixed_port_that_is_taken_is_named(run_folder: Path) -> None:
    port = choose_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(ConfigError, match=f"MQTT port = {port}"):
            Broker(run_folder / "taken", port).start()


@pytest.mark.parametrize("name", ["a:b", "a\nb", "", "x" * 200])
def test_an_account_name_that_would_break_the_password_file_is_refused(run_folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="MQTT account"):
        Broker(run_folder / "names").set_accounts({name: "x"}, ())
