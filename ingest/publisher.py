"""Publishes for the house: what devices say over HTTP, and what is fed in again; confirmed by the broker on return.

A connection that failed is thrown away with all that paho remembers: whoever asked was told that it failed and says it
again, so that nothing may be sent later behind his back.
"""

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from contracts.errors import TransportError
from ingest.connection import Broker
from ingest.socket import connect

CONFIRM_S: Final = 5.0
"""A broker in the same city confirms within milliseconds; a camera waits for its answer for some ten seconds."""
KEEP_ALIVE_S: Final = 30
PAUSE_S: Final = 1.0
"""After a connection could not be made, everybody is told so at once for so long, instead of each trying again."""
NOBODY: Final = 0x10
"""PUBACK "no matching subscribers" (MQTT 5.0, section 3.4.2.1): taken, and kept for nobody."""


class Publisher:
    """A connection that is made when it is needed. Any number of threads may publish."""

    def __init__(self, broker: Callable[[], Broker], name: str) -> None:
        """`broker`: asked for with every connection, so that a new address or password counts at once."""
        self._broker, self._name = broker, name
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._not_before_s = 0.0
        self._trouble = ""

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 and wait for the confirmation.

        Raises:
            TransportError: no connection, refused, not confirmed in time, or nobody is subscribed. Names no payload.
        """
        self.publish_all([(topic, payload)])

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish messages (topic, payload) at QoS 1 in order, without a wait between them, and wait for all
        confirmations. Raises what `publish` does; the others may have been taken then.
        """
        line = self._up()
        try:
            reasons = line.publish(messages)
        except TransportError:
            self._drop(line)
            raise
        for (topic, _), reason in zip(messages, reasons, strict=True):
            if reason.value == NOBODY:
                raise TransportError(f"nobody is subscribed to {topic}; was the pipeline ever started?")
            if reason.is_failure:
                raise TransportError(f"the broker refuses {topic}: {reason}; check the access of {self._name}")

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _up(self) -> "_Line":
        with self._lock:
            if self._line is not None and self._line.up:
                return self._line
            if time.monotonic() < self._not_before_s:
                raise TransportError(self._trouble)
            if self._line is not None:
                self._line.close()
                self._line = None
            try:
                self._line = _Line(self._broker(), f"{self._name}-{token_hex(6)}")
            except TransportError as problem:
                self._trouble, self._not_before_s = str(problem), time.monotonic() + PAUSE_S
                raise
            return self._line

    def _drop(self, line: "_Line") -> None:
        with self._lock:
            if self._line is line:
                self._line = None
        line.close()


class _Line:
    """One connection, from its beginning to its end."""

    def __init__(self, broker: Broker, client_id: str) -> None:
        """Raises TransportError: nobody is there, or we are refused."""
        self.up = False
        self._refusal = ""
        self._changed = threading.Condition()
        self._answers: dict[int, ReasonCode] = {}
        self._client = _Client(broker, client_id)
        self._client.on_connect, self._client.on_disconnect = self._connected, self._disconnected
        self._client.on_publish = self._confirmed
        try:
            self._client.reconnect()
        except (OSError, ssl.SSLError) as problem:
            raise TransportError(f"the broker cannot be reached: {problem}") from problem
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self.up or self._refusal, CONFIRM_S)
        if not self.up:
            self.close()
            raise TransportError(f"the broker does not let us in: {self._refusal or 'no answer'}")

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> list[ReasonCode]:
        """The broker's answers. Raises TransportError: there was none."""
        sent = [self._client.publish(topic, payload, qos=1) for topic, payload in messages]
        return [self._answer(each) for each in sent]

    def _answer(self, sent: MQTTMessageInfo) -> ReasonCode:
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise TransportError("the connection to the broker was lost")
        with self._changed:
            self._changed.wait_for(lambda: sent.mid in self._answers or not self.up, CONFIRM_S)
            answer = self._answers.pop(sent.mid, None)
        if answer is None:
            raise TransportError("the broker did not confirm in time" if self.up else "the connection was lost")
        return answer

    def close(self) -> None:
        """End it; whoever still waits is told."""
        self._client.disconnect()
        self._client.loop_stop()
        self._tell(up=False)

    # In paho's thread. It may hold paho's own locks: nothing of paho is called while ours is held.

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._tell(up=not reason.is_failure, refusal=str(reason) if reason.is_failure else "")

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._tell(up=False, refusal=self._refusal or str(reason))

    def _confirmed(self, _client: Any, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        with self._changed:
            self._answers[mid] = reason
            self._changed.notify_all()

    def _tell(self, up: bool, refusal: str = "") -> None:
        with self._changed:
            self.up, self._refusal = up, refusal
            self._changed.notify_all()


class _Client(Client):
    """paho on a connection made as everybody's in this folder."""

    def __init__(self, broker: Broker, client_id: str) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._broker = broker
        self.username_pw_set(broker.username, broker.password)
        self.connect_async(broker.host, broker.port, KEEP_ALIVE_S)

    def _create_socket(self) -> Any:
        return connect(self._broker)
