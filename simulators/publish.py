"""The home of paho-mqtt on the devices' side: a connection that a loop of ours drives, and one message at a time.

paho's own threads are not used: hundreds of devices share one loop (`fleet`). A connection that is lost is not mended
but replaced, so that paho remembers nothing that the device's own memory does not know better.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from contracts.errors import ConfigError, TransportError

KEEP_ALIVE_S: Final = 30
"""A broker misses a device after one and a half times this, and publishes its last will."""
CONNECT_TIMEOUT_S: Final = 5.0
"""A broker in the same city answers at once; longer would hold up the other devices of the loop."""
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
RECEIVED_US: Final = "received_us"
"""The user property that carries the time of receipt where the city runs on a clock of its own."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where to connect, as whom. `url`: `mqtt://host:port` or `mqtts://host:port`, encrypted: then the broker must show
    a certificate that `ca` (None: the system) vouches for, made out to this host."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            known = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
        except ValueError:
            known = False
        if not known:  # it is not shown: there may be a password in it
            raise ConfigError("url", "...", "write it as mqtt://host:port or mqtts://host:port")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or PORTS[parts.scheme]

    @property
    def encrypted(self) -> bool:
        """Whether TLS is asked for."""
        return urlsplit(self.url).scheme == "mqtts"


@dataclass(frozen=True, slots=True)
class Heard:
    """One message from the broker."""

    topic: str
    payload: bytes
    qos: int
    retained: bool


def _nothing(*_arguments: object) -> None:
    """What happens where nobody asked to be told."""


class Line:
    """One MQTT 5 connection. Open it once; when it is down, make a new one.

    The callbacks come out of `read`, `write`, `tend` or `pump`, in the thread that calls them. `on_up()`,
    `on_down(reason)`, `on_taken(message id, accepted)`, `on_heard(Heard)`.
    """

    def __init__(
        self,
        account: Account,
        client_id: str,
        *,
        will: tuple[str, bytes] | None = None,
        window: int = 20,
        on_up: Callable[[], None] = _nothing,
        on_down: Callable[[str], None] = _nothing,
        on_taken: Callable[[int, bool], None] = _nothing,
        on_heard: Callable[[Heard], None] = _nothing,
    ) -> None:
        self.up = False
        self.subscribed = False
        self.refusal = ""
        self._account = account
        self._on_up, self._on_down, self._on_taken, self._on_heard = on_up, on_down, on_taken, on_heard
        client = _Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(window)
        if account.username:
            client.username_pw_set(account.username, account.password)
        if account.encrypted:
            client.tls_set_context(_trusting(account.ca))
        if will is not None:
            client.will_set(will[0], will[1], qos=1)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_publish, client.on_message = self._published, self._arrived
        client.on_subscribe = self._subscribed
        self._client = client

    def open(self) -> None:
        """Connect; `on_up` or `on_down` follows when the broker has answered.

        Raises:
            TransportError: nobody answers at the address.
        """
        host, port = self._account.address
        try:
            self._client.connect(host, port, keepalive=KEEP_ALIVE_S, clean_start=True)
        except OSError as problem:
            raise TransportError(f"no broker at {host}:{port}: {problem}; is it running?") from problem

    @property
    def socket(self) -> socket.socket | None:
        """The socket to wait on, None when the connection is down."""
        found = self._client.socket()
        return found if isinstance(found, socket.socket) else None

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be written."""
        return self._client.want_write()

    def read(self) -> None:
        """Read what has come, and what TLS has already taken off the socket."""
        self._client.loop_read()
        while isinstance(found := self._client.socket(), ssl.SSLSocket) and found.pending():
            self._client.loop_read()

    def write(self) -> None:
        """Write what waits."""
        self._client.loop_write()

    def tend(self) -> None:
        """Keep-alive; to be called about once a second."""
        self._client.loop_misc()

    def pump(self, timeout_s: float) -> None:
        """Wait for the socket, read, write and tend: for whoever has this one connection only."""
        waiting = self.socket
        if waiting is not None:
            readable, writable, _ = select.select([waiting], [waiting] if self.wants_write else [], [], timeout_s)
            if readable:
                self.read()
            if writable:
                self.write()
        self.tend()

    def publish(self, topic: str, payload: bytes, retained: bool = False, received_us: int | None = None) -> int:
        """Publish at QoS 1. Returns the message id that `on_taken` will name."""
        properties = None
        if received_us is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.UserProperty = (RECEIVED_US, str(received_us))
        return self._client.publish(topic, payload, qos=1, retain=retained, properties=properties).mid

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe at QoS 1; `subscribed` turns true when the broker has answered."""
        self._client.subscribe(topic_filter, qos=1)

    def close(self) -> None:
        """Say good-bye: the last will is not published."""
        self._client.disconnect()

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self.refusal = str(reason)
            return  # the broker closes the connection, and `_disconnected` follows
        self.up = True
        self._on_up()

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self.up = False
        self._on_down(self.refusal or str(reason))

    def _published(self, _client: Any, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        self._on_taken(mid, not reason.is_failure)

    def _subscribed(self, *_answer: Any) -> None:
        self.subscribed = True

    def _arrived(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._on_heard(Heard(message.topic, bytes(message.payload), message.qos, message.retain))


class _Client(paho.Client):
    """paho, that leaves no socket open behind a broker whose certificate it refused."""

    def _ssl_wrap_socket(self, tcp_sock: Any) -> ssl.SSLSocket:
        context = self._ssl_context
        assert context is not None and context.check_hostname, "Line sets it"
        return context.wrap_socket(tcp_sock, server_hostname=self._host)  # closes it where the handshake fails


def connect(line: Line, username: str, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
    """Open a line and wait until the broker has let it in.

    Raises:
        TransportError: nobody answers, or the credentials are refused.
    """
    line.open()
    deadline = time.monotonic() + timeout_s
    while not line.up:
        if line.refusal or line.socket is None:
            raise TransportError(f"the broker refuses {username!r}: {line.refusal or 'it closed the connection'}")
        if time.monotonic() > deadline:
            raise TransportError(f"the broker did not answer within {timeout_s:g} s")
        line.pump(0.1)


def _trusting(ca: Path | None) -> ssl.SSLContext:
    """Demands a certificate made out to the host."""
    try:
        return _context(ca, ca.stat().st_mtime_ns if ca else 0)
    except OSError as problem:
        raise ConfigError("mqtt_ca", ca, f"these certificates cannot be used: {problem}") from problem


@lru_cache(maxsize=4)  # reading takes a millisecond, and a fleet has hundreds of lines
def _context(ca: Path | None, _changed_ns: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


def publish_one(
    url: str,
    username: str,
    password: str,
    topic: str,
    payload: bytes,
    timeout_s: float = CONNECT_TIMEOUT_S,
    ca: Path | None = None,
) -> None:
    """Publish one message at QoS 1, as a device would, and return when the broker has acknowledged it.

    Raises:
        TransportError: no broker, credentials or topic refused, or no acknowledgement in time.
    """
    publish_all(Account(url, username, password, ca), [(topic, payload)], timeout_s)


def publish_all(account: Account, messages: Sequence[tuple[str, bytes]], timeout_s: float = CONNECT_TIMEOUT_S) -> None:
    """Publish messages (topic, payload) at QoS 1 in order, and return when the broker has acknowledged all of them.

    Raises:
        TransportError: no broker, credentials or a topic refused, or no acknowledgement for so long.
    """
    topics: dict[int, str] = {}
    refused: list[str] = []

    def taken(mid: int, accepted: bool) -> None:
        topic = topics.pop(mid)
        if not accepted:
            refused.append(topic)

    line = Line(account, f"publish-{token_hex(6)}", on_taken=taken)
    connect(line, account.username, timeout_s)
    try:
        for topic, payload in messages:
            topics[line.publish(topic, payload)] = topic
        left, deadline = len(topics), time.monotonic() + timeout_s
        while topics:
            if len(topics) < left:
                left, deadline = len(topics), time.monotonic() + timeout_s
            if not line.up or time.monotonic() > deadline:
                raise TransportError(f"no acknowledgement for {next(iter(topics.values()))} within {timeout_s:g} s")
            line.pump(0.1)
        if refused:
            raise TransportError(f"the broker does not let {account.username!r} publish to {refused[0]}")
    finally:
        line.close()
