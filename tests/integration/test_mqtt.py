"""The intake against a real Mosquitto: nothing is lost between the broker and whoever takes, whatever breaks."""

import itertools
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from contracts.delivery import Delivery
from contracts.errors import ConfigError, TransportError
from ingest.connection import Broker, IntakeSettings, IntakeState
from ingest.mail import MAX_TOPIC_BYTES
from ingest.mqtt import Intake
from ingest.socket import READ_BYTES
from tests.fixtures.tcp_proxy import TcpProxy, proxied
from tests.servers import BrokerServer

PATIENCE_S = 10.0
ACCOUNTS = {"intake": "in", "field": "out"}
ACL = ("user intake", "topic readwrite andaman/#", "user field", "topic readwrite andaman/#")
_names = (f"test-intake-{number}" for number in itertools.count())


class States:
    """Every state that an intake reported, for a test to wait for."""

    def __init__(self) -> None:
        self.all: list[IntakeState] = []
        self._changed = threading.Condition()

    def __call__(self, state: IntakeState) -> None:
        with self._changed:
            self.all.append(state)
            self._changed.notify_all()

    def wait(self, condition: Callable[[list[IntakeState]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.all), PATIENCE_S), self.all


class Field:
    """Devices: publishes at QoS 1 and returns when the broker has it."""

    def __init__(self, url: str) -> None:
        broker = Broker.of(url)
        self.marks: list[tuple[str, bytes]] = []
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._paho = mqtt.Client(CallbackAPIVersion.VERSION2, next(_names), protocol=mqtt.MQTTv5)
        self._paho.username_pw_set(broker.username, broker.password)
        self._paho.on_message = self._note
        self._paho.on_subscribe = lambda *_: self._subscribed.set()
        self._paho.connect(broker.host, broker.port)
        self._paho.loop_start()

    def _note(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self.marks.append((message.topic, bytes(message.payload)))
            self._changed.notify_all()

    def say(self, *payloads: str, kind: str = "readings", qos: int = 1, retain: bool = False, at: str = "") -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if at:
            properties.UserProperty = ("received_us", at)
        for payload in payloads:
            topic = f"andaman/v1/test/zone/device/{kind}"
            self._paho.publish(topic, payload, qos, retain, properties).wait_for_publish(PATIENCE_S)

    def listen(self, topic: str) -> None:
        self._paho.subscribe(topic, 1)
        assert self._subscribed.wait(PATIENCE_S)

    def heard(self, condition: Callable[[list[tuple[str, bytes]]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.marks), PATIENCE_S), self.marks

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()


@pytest.fixture
def url(broker: BrokerServer) -> str:
    broker.set_accounts(ACCOUNTS, ACL)
    return broker.url.replace("mqtt://", "mqtt://intake:in@")


@pytest.fixture
def field(url: str) -> Iterator[Field]:
    field = Field(url.replace("intake:in", "field:out"))
    yield field
    field.close()


@pytest.fixture
def proxy(url: str) -> Iterator[TcpProxy]:
    with proxied(url) as proxy:
        yield proxy


@pytest.fixture
def make(url: str) -> Iterator[Callable[..., Intake]]:
    """Makes intakes, open and closed at the end; each test has a client id (so a session) of its own."""
    own_id = next(_names)
    made: list[Intake] = []

    def make(where: str = url, client_id: str = own_id, states: States | None = None, **options: Any) -> Intake:
        ticks = itertools.count(1_000)
        filters = ["andaman/v1/test/+/+/+"]
        intake = Intake(where, client_id, filters, states or States(), lambda: next(ticks), **options)
        made.append(intake)
        intake.open(PATIENCE_S)
        return intake

    yield make
    for intake in made:
        intake.close()


def take(intake: Intake, count: int) -> list[Delivery]:
    """Exactly `count` deliveries; the test fails when they do not come."""
    taken: list[Delivery] = []
    while len(taken) < count:
        more = intake.take(count - len(taken), PATIENCE_S)
        assert more, f"{len(taken)} of {count} came"
        taken += more
    return taken


def payloads(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.payload.decode() for delivery in deliveries]


def test_deliveries_come_as_sent_and_in_order(make: Callable[..., Intake], field: Field) -> None:
    intake = make()
    field.say("1", "2", "3")
    first, second, third = take(intake, 3)
    assert payloads([first, second, third]) == ["1", "2", "3"]
    assert first.topic == "andaman/v1/test/zone/device/readings"
    assert first.received_us <= second.received_us <= third.received_us
    assert not first.retained
    assert first.token[0] == intake.state.connection


def test_take_returns_empty_when_the_time_is_over(make: Callable[..., Intake]) -> None:
    assert make().take(10, 0.01) == []


def test_a_waiting_take_can_be_woken(make: Callable[..., Intake]) -> None:
    intake = make()
    waker = threading.Timer(0.05, intake.wake)
    waker.start()
    assert intake.take(1, PATIENCE_S * 10) == []
    waker.join()


def test_what_is_not_acknowledged_comes_again_after_a_lost_connection(
    make: Callable[..., Intake], field: Field, proxy: TcpProxy
) -> None:
    states = States()
    intake = make(proxy.url, states=states)
    field.say("1", "2", "3")
    taken = take(intake, 3)
    intake.acknowledge([taken[0].token])
    field.say("4")
    assert payloads(take(intake, 1)) == ["4"]
    proxy.cut()
    again = take(intake, 3)
    if payloads(again)[0] == "1":  # the cut was faster than its acknowledgement
        again = [*again[1:], *take(intake, 1)]
    assert payloads(again) == ["2", "3", "4"]
    states.wait(lambda all: all[-1].connected and len(all) >= 3)
    assert {delivery.token[0] for delivery in again} == {intake.state.connection}
    last = states.all[-1]
    assert last.session_present
    assert last.gap is not None and last.gap.reason == "disconnected" and last.gap.from_us < last.gap.to_us


def test_an_acknowledgement_of_an_older_connection_acknowledges_nothing(
    make: Callable[..., Intake], field: Field, proxy: TcpProxy
) -> None:
    states = States()
    intake = make(proxy.url, states=states)
    field.say("1", "2")
    old = [delivery.token for delivery in take(intake, 2)]
    proxy.cut()
    assert payloads(take(intake, 2)) == ["1", "2"]
    intake.acknowledge(old)
    field.say("3")
    take(intake, 1)
    proxy.cut()
    assert payloads(take(intake, 3)) == ["1", "2", "3"]
    assert intake.acks_discarded == 2


def test_what_is_not_acknowledged_comes_again_to_a_new_process(make: Callable[..., Intake], field: Field) -> None:
    first = make()
    field.say("1", "2", "3")
    taken = take(first, 3)
    first.acknowledge([delivery.token for delivery in taken[:2]])
    first.close()
    field.say("4")
    second = make()
    assert second.state.session_present
    assert payloads(take(second, 2)) == ["3", "4"]


def test_what_waits_is_not_doubled_by_a_lost_connection(
    make: Callable[..., Intake], field: Field, proxy: TcpProxy
) -> None:
    states = States()
    intake = make(proxy.url, states=states)
    said = [str(number) for number in range(50)]
    field.say(*said)
    proxy.cut()
    states.wait(lambda all: len(all) >= 3 and all[-1].connected)
    field.say("last")
    assert payloads(take(intake, 51)) == [*said, "last"]
    assert intake.queued == 0


def test_closing_does_not_wait_for_room_while_the_broker_is_away(
    make: Callable[..., Intake], field: Field, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = make(proxy.url, settings=IntakeSettings(receive_maximum=2))
    changed, waits = intake._mail.changed, threading.Event()
    field.say("one", "two")
    with changed:
        assert changed.wait_for(lambda: intake.queued == 2, PATIENCE_S)
    wait_for = changed.wait_for

    def told(condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        waits.set()
        return wait_for(condition, timeout_s)

    monkeypatch.setattr(changed, "wait_for", told)
    proxy.refusing = True
    proxy.cut()
    assert waits.wait(PATIENCE_S)  # it is not connected, and nobody takes
    intake.close(timeout_s=PATIENCE_S)
    assert not intake._thread.is_alive()


def test_nothing_is_lost_or_doubled_when_take_is_slow(make: Callable[..., Intake], field: Field) -> None:
    intake = make(settings=IntakeSettings(receive_maximum=20))
    said = [str(number) for number in range(300)]
    field.say(*said)
    heard: list[str] = []
    while len(heard) < len(said):
        assert intake.queued <= 20
        taken = take(intake, min(7, len(said) - len(heard)))
        heard += payloads(taken)
        intake.acknowledge([delivery.token for delivery in taken])
    assert heard == said
    assert intake.dropped == 0


def test_nothing_is_lost_through_many_lost_connections(
    make: Callable[..., Intake], field: Field, proxy: TcpProxy
) -> None:
    intake = make(proxy.url, settings=IntakeSettings(receive_maximum=50))
    said = [str(number) for number in range(1_000)]
    speaker = threading.Thread(target=field.say, args=said)
    speaker.start()
    heard: set[str] = set()
    of_before: list[tuple[int, int, int]] = []
    for turn in itertools.count():
        taken = intake.take(40, PATIENCE_S)
        assert taken, f"{len(heard)} of {len(said)} came"
        heard |= set(payloads(taken))
        tokens = [delivery.token for delivery in taken]
        if of_before and tokens[0][0] > of_before[0][0]:
            intake.acknowledge(of_before)
            of_before = []
        if turn % 10 == 5 and turn < 100:
            proxy.cut()
            of_before = tokens
        else:
            intake.acknowledge(tokens)
        if len(heard) == len(said):
            break
    speaker.join()
    assert heard == set(said)
    assert intake.acks_discarded > 0


def test_a_heavy_backlog_stops_the_reader_and_loses_nothing(make: Callable[..., Intake], field: Field) -> None:
    bound_bytes, size_bytes = 20_000, 5_000
    intake = make(settings=IntakeSettings(max_queued_bytes=bound_bytes))
    said = [str(number) + "." * size_bytes for number in range(200)]
    field.say(*said)
    assert intake.queued <= (bound_bytes + READ_BYTES) // size_bytes + 1
    heard: list[str] = []
    while len(heard) < len(said):
        taken = take(intake, 1)
        heard += payloads(taken)
        intake.acknowledge([delivery.token for delivery in taken])
    assert heard == said


def test_unconfirmed_messages_beyond_the_bound_are_dropped_and_counted(
    make: Callable[..., Intake], field: Field
) -> None:
    intake = make(settings=IntakeSettings(receive_maximum=5))
    field.say(*"123456789", qos=0)
    field.say("last", qos=1)
    with intake._mail.changed:
        assert intake._mail.changed.wait_for(lambda: intake.queued == 6, PATIENCE_S)
    heard = payloads(take(intake, 6))
    assert heard == ["1", "2", "3", "4", "5", "last"]
    assert intake.dropped == 4


def test_retained_messages_of_before_do_not_come(make: Callable[..., Intake], field: Field) -> None:
    field.say("state", kind="status", retain=True)
    intake = make()
    field.say("live")
    assert payloads(take(intake, 1)) == ["live"]
    field.say("", kind="status", retain=True)


def test_a_mark_reaches_the_device_and_does_not_come_back(make: Callable[..., Intake], field: Field) -> None:
    intake = make()
    topic = "andaman/v1/test/zone/device/mark"
    assert intake.publish(topic, b'{"boot":1,"seq":7}')
    field.listen(topic)
    field.heard(lambda marks: (topic, b'{"boot":1,"seq":7}') in marks)
    field.say("next")
    assert payloads(take(intake, 1)) == ["next"]
    intake.publish(topic, b"")


def test_many_marks_all_arrive(make: Callable[..., Intake], field: Field) -> None:
    intake = make()
    field.listen("andaman/v1/test/zone/+/mark")
    said = {(f"andaman/v1/test/zone/d{size}/mark", b"1" * size) for size in range(1, 2_000, 7)}
    for topic, mark in said:
        intake.publish(topic, mark, retain=False)
    field.heard(lambda marks: said <= set(marks))
    assert intake.publish_refused == 0


def test_a_carried_clock_is_taken_from_the_message(make: Callable[..., Intake], field: Field) -> None:
    intake = make(clock="carried")
    field.say("1", at="1795316400000000")
    field.say("2", at="yesterday")
    field.say("3")
    first, second, third = take(intake, 3)
    assert first.received_us == 1_795_316_400_000_000
    assert second.received_us <= third.received_us < 10_000
    assert intake.clock_missing == 2


def test_of_an_endless_topic_only_the_beginning_is_kept(make: Callable[..., Intake], field: Field) -> None:
    intake = make()
    field.say("{}", kind="z" * 60_000)
    field.say("{}")
    endless, usual = take(intake, 2)
    assert (len(endless.topic), usual.topic) == (MAX_TOPIC_BYTES, "andaman/v1/test/zone/device/readings")


def test_refused_credentials_are_said_at_once(broker: BrokerServer, url: str) -> None:
    intake = Intake(url.replace(":in@", ":wrong@"), "test-refused", ["andaman/#"], States(), lambda: 1)
    with pytest.raises(TransportError, match="refused us: Not authorized; check user name and password"):
        intake.open(PATIENCE_S)
    intake.close()


def test_a_broker_that_is_away_is_said_after_the_time_and_found_later(url: str, field: Field) -> None:
    with proxied(url) as proxy:
        proxy.refusing = True
        states = States()
        intake = Intake(proxy.url, next(_names), ["andaman/v1/test/+/+/+"], states, lambda: 1)
        with pytest.raises(TransportError, match=r"broker 127.0.0.1:\d+: (connection lost|no answer within 0.3 s)"):
            intake.open(0.3)
        states.wait(lambda all: any(state.problem.startswith("connection lost") for state in all))
        proxy.refusing = False
        states.wait(lambda all: all[-1].connected)
        field.say("found")
        assert payloads(take(intake, 1)) == ["found"]
        intake.close()


def test_an_error_on_the_network_thread_reaches_whoever_takes(url: str) -> None:
    def broken(state: IntakeState) -> None:
        if not state.connected:
            raise LookupError("a bug")

    with proxied(url) as proxy:
        intake = Intake(proxy.url, next(_names), ["andaman/v1/test/+/+/+"], broken, lambda: 1)
        intake.open(PATIENCE_S)
        proxy.cut()
        with pytest.raises(TransportError, match="network thread ended") as raised:
            intake.take(1, PATIENCE_S)  # waits for the end, where it has not come yet
            intake.take(1, 0)
        assert isinstance(raised.value.__cause__, LookupError)
        intake.close()


def test_a_session_that_the_broker_lost_is_reported_as_such(
    make: Callable[..., Intake], field: Field, proxy: TcpProxy, url: str
) -> None:
    states = States()
    intake = make(proxy.url, client_id=(own := next(_names)), states=states)
    proxy.refusing = True
    proxy.cut()
    states.wait(lambda all: not all[-1].connected)
    forgetful = mqtt.Client(CallbackAPIVersion.VERSION2, own, protocol=mqtt.MQTTv5)
    forgetful.username_pw_set("intake", "in")
    where = Broker.of(url)
    forgetful.connect(where.host, where.port, clean_start=True)
    forgetful.loop_start()
    forgetful.disconnect()
    forgetful.loop_stop()
    proxy.refusing = False
    states.wait(lambda all: all[-1].connected)
    gap = states.all[-1].gap
    assert gap is not None and gap.reason == "session lost"
    assert not states.all[-1].session_present
    field.say("after")
    assert payloads(take(intake, 1)) == ["after"]


@pytest.mark.parametrize(
    "wrong", ["http://me:secret@localhost", "mqtt://", "localhost:1883", "mqtt://me:secret@h:port"]
)
def test_an_address_that_is_no_broker_is_refused_without_its_password(wrong: str) -> None:
    with pytest.raises(ConfigError, match="mqtt_url") as refused:
        Broker.of(wrong)
    assert "secret" not in str(refused.value)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of its own for 127.0.0.1, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(Encoding.PEM)
    pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(pem)
    return path


def test_an_encrypted_connection_carries_the_same(
    make: Callable[..., Intake], field: Field, url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with proxied(url, tls) as proxy:
        states = States()
        intake = make(proxy.url, states=states)
        said = [str(number) + "." * 20_000 for number in range(60)]
        field.say(*said)
        assert payloads(take(intake, 30)) == said[:30]
        proxy.cut()
        states.wait(lambda all: len(all) >= 3 and all[-1].connected)
        again = take(intake, 60)
        assert payloads(again) == said
        intake.acknowledge([delivery.token for delivery in again])
        intake.close()


def test_an_encrypted_connection_to_somebody_else_is_refused(url: str, certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with proxied(url, tls) as proxy:
        states = States()
        intake = Intake(proxy.url, next(_names), ["andaman/#"], states, lambda: 1)
        with pytest.raises(TransportError, match=r"certificate|no answer within 1 s"):
            intake.open(1.0)
        states.wait(lambda all: any("certificate" in state.problem for state in all))
        intake.close()
