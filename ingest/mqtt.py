"""The broker's end of the pipeline: MQTT 5 over paho, with acknowledgement in the hands of whoever takes.

Rules of this file:
- One thread, ours, makes every call into paho, so nothing about paho's own locks needs to be true.
- paho keeps session, keep-alive and subscription; messages and their acknowledgements go past it, through the socket
  of ours that it works on (`socket.py`): that is a tenth of the work.
- A delivery's token carries the number of its connection. Message ids begin anew with a connection, so an
  acknowledgement of an older one could acknowledge a message that nobody has seen: it is discarded, and the broker
  sends that message again.
- The session outlives us: what comes while we are away waits in the broker.
- What the broker says of itself is no message of a device: it is taken out here, before anything waits to be taken.
"""

import re
import select
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from contracts.columns import Gap
from contracts.errors import TransportError
from ingest.connection import DROPPED, Broker, IntakeSettings, IntakeState
from ingest.frames import PAYLOAD_START, PROPERTIES_START, TOPIC_START
from ingest.mail import Mail
from ingest.mailbox import Mailbox
from ingest.outbox import Bell, Outbox
from ingest.properties import user_property
from ingest.socket import BulkSocket, Packets, connect
from ingest.subscriptions import Subscriptions

Tokens = npt.NDArray[np.int64]
"""int64 (n, 3): connection number, message id, QoS of deliveries."""

RECEIPT_PROPERTY: Final = "received_us"
"""User property that carries the receipt time where a space has its own clock (simulated, replay)."""
BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
"""A broker that restarts is back within seconds; waiting longer than this only adds to the gap."""
PATIENCE_MS: Final = 1_000
"""How long the network thread sleeps at most: paho's keep-alive is looked at that often."""
_WHOLE: Final = re.compile(rb"[0-9]{1,18}")
"""Microseconds of a carried receipt time, after 1970, or a count of the broker's: within int64."""
GATHER_MS: Final = 4
"""After messages came, let more come for so long before they are read: a read costs as much for one message as for a
hundred, and a broker that finds nobody waiting for each of them sends for two thirds of the CPU. Far less than the time
in which a batch gathers."""
SAID_AT_ONCE: Final = 500
"""Handed to the system together: some 50 kB of marks. What the broker does not take at once waits in the outbox, where
a newer mark replaces it."""


_DEVICES: Final = SubscribeOptions(
    qos=1,
    noLocal=True,  # our own marks are for the devices
    retainAsPublished=False,
    retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND,  # state, never observations
)
_FIGURE: Final = SubscribeOptions(qos=0)
"""A figure of the broker's: the last one at once, and none is worth waiting for us."""


class Intake:
    """Deliveries of one subscription: `open`, then `take` and `acknowledge` in turn, then `close`.

    `now_us` is the clock of receipt; with `clock="carried"` it is asked only where a message carries no time of its
    own. `on_state` is called from the network thread with every change; it must not wait. `ca`: what the certificate of
    an encrypted broker (`mqtts://`) must follow from; None: what the system trusts.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        filters: Sequence[str],
        on_state: Callable[[IntakeState], None],
        now_us: Callable[[], int],
        clock: Literal["system", "carried"] = "system",
        settings: IntakeSettings | None = None,
        ca: Path | None = None,
    ) -> None:
        self.settings = settings or IntakeSettings()
        self.state = IntakeState()
        self.acks_discarded = 0
        """Acknowledgements of an older connection; their messages come again."""
        self.clock_missing = 0
        """Messages without a receipt time in a space whose clock they carry."""
        self.broker_dropped = 0
        """How many messages the broker has thrown away since it started, as it said last; 0 until it was heard."""
        self._broker = Broker.of(url, ca)
        self._subscriptions = Subscriptions(filters, (DROPPED,), self._subscribe, self._unsubscribe)
        self._on_state, self._now_us, self._carried = on_state, now_us, clock == "carried"
        self._mail = Mailbox(self.settings.receive_maximum, self.settings.max_queued_bytes)
        self._acks: deque[Tokens] = deque()
        self._outbox, self._bell = Outbox(), Bell()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        # From here on: the network thread's alone.
        self._connection = 0
        self._refused = self._gathering = False
        self._left_us: int | None = None
        self._backoff_s = BACKOFF_FIRST_S
        self._client = self._make_client(client_id)

    @property
    def dropped(self) -> int:
        """QoS 0 messages for which there was no room."""
        return self._mail.dropped

    @property
    def publish_refused(self) -> int:
        """What the outbox had no room for."""
        return self._outbox.refused

    @property
    def refused_filters(self) -> frozenset[str]:
        """Filters besides our own that the broker refused; what is said there is not heard."""
        return self._subscriptions.refused

    @property
    def queued(self) -> int:
        """Deliveries that wait to be taken."""
        return len(self._mail)

    def open(self, timeout_s: float = 10.0) -> None:
        """Connect and subscribe; returns when messages can come.

        Raises:
            TransportError: not within the time; the message says why. Trying goes on until `close`.
        """
        self._thread.start()
        changed = self._mail.changed
        with changed:
            changed.wait_for(lambda: self.state.connected or self._refused or self._failure, timeout_s)
        self._check()
        if not self.state.connected:
            why = self.state.problem or f"no answer within {timeout_s:g} s"
            raise TransportError(f"broker {self._broker.host}:{self._broker.port}: {why}")

    def take(self, max_messages: int, timeout_s: float) -> Mail:
        """What has come, in order, at most `max_messages`; waits up to `timeout_s` for the first.

        Raises:
            TransportError: the network thread ended; its error is the cause.
        """
        self._check()
        was_heavy = self._mail.heavy
        taken = self._mail.take(max_messages, timeout_s)
        if was_heavy:
            self._bell.ring()
        return taken

    def acknowledge(self, tokens: npt.ArrayLike) -> None:
        """Acknowledge deliveries by their tokens, in the order they were taken in. Those of an older connection are
        discarded."""
        given = np.asarray(tokens, np.int64).reshape(-1, 3)
        self._acks.append(given[given[:, 2] > 0])
        self._bell.ring()

    def publish(self, topic: str, payload: bytes, retain: bool = True) -> bool:
        """Publish soon, at QoS 0: the newest counts, and what breaks with a connection must not be needed. What still
        waits for the same topic is replaced. False (and counted) without room."""
        taken = self._outbox.put(topic, payload, retain)
        self._bell.ring()
        return taken

    def listen_to(self, filters: Iterable[str]) -> None:
        """From now on hear these filters besides those that the intake was made with, and no others.

        The session outlives us: what was listened to in an earlier life and is in no list any more may still come.
        """
        self._subscriptions.listen_to((*filters, DROPPED))
        self._bell.ring()

    def wake(self) -> None:
        """Let a waiting `take` return at once."""
        self._mail.wake()

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what is acknowledged, leave the session to the broker and end. Closing twice does no harm."""
        self._stop.set()
        self._bell.ring()
        self._mail.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        self._bell.close()

    def _check(self) -> None:
        if self._failure is not None:
            raise TransportError("the network thread ended; start the pipeline again") from self._failure

    # The network thread.

    def _make_client(self, client_id: str) -> Client:
        broker, settings = self._broker, self.settings
        client = _BulkClient(client_id, broker, settings.max_packet_bytes)
        client.username_pw_set(broker.username, broker.password)
        client.on_connect, client.on_subscribe = self._connected, self._subscribed
        client.on_disconnect = self._disconnected
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = settings.session_expiry_s
        properties.ReceiveMaximum = settings.receive_maximum
        properties.MaximumPacketSize = settings.max_packet_bytes
        client.connect_async(broker.host, broker.port, settings.keepalive_s, clean_start=False, properties=properties)
        return client

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._serve()
                self._wait_to_reconnect()
        except BaseException as failure:
            # A bug; whoever takes gets it, at the top of the pipeline's loop.
            self._failure = failure
            self._stop.set()
        finally:
            self._client.disconnect()
            self._client.loop_write()
            self._mail.wake()

    def _serve(self) -> None:
        """One connection, from connecting to its end."""
        # From here on every token given out so far is stale: paho forgets what it had queued, and counts ids anew.
        self._connection += 1
        try:
            self._client.reconnect()
        except (OSError, ssl.SSLError) as problem:
            self._trouble(f"cannot be reached: {problem}")
            return
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        while isinstance(connected := self._client.socket(), BulkSocket):
            self._send(connected)
            if self._stop.is_set():
                return
            self._turn(poll, connected)

    def _turn(self, poll: select.poll, connected: BulkSocket) -> None:
        """Wait for something to do on the connection, and do it."""
        if self._client.socket() is not connected:
            return  # sending found it broken
        # Too many bytes wait to be taken: TCP holds the broker back until somebody takes.
        wanted = 0 if self._mail.heavy or self._gathering else select.POLLIN
        wanted |= select.POLLOUT if connected.wants_write else 0
        poll.register(connected, wanted)
        ready = dict(poll.poll(self._patience_ms(connected)))
        if self._bell.fileno() in ready:
            self._bell.hear()
        was_gathering, self._gathering = self._gathering, False
        if not was_gathering and (connected.has_more or ready.get(connected.fileno(), 0) & ~select.POLLOUT):
            self._gathering = self._read(connected)
        self._client.loop_misc()

    def _patience_ms(self, connected: BulkSocket) -> int:
        """How long to wait for something to do."""
        if self._gathering:
            return GATHER_MS
        return 0 if connected.has_more else PATIENCE_MS

    def _read(self, connected: BulkSocket) -> bool:
        """Take the messages that have come; every other packet is paho's, in its turn. Whether there were any."""
        connected.fill()
        any_came = False
        while self._client.socket() is connected:
            packets = connected.packets()
            if len(packets):
                self._arrived(packets)
                any_came = True
            if connected.for_paho:
                self._client.loop_read()
            elif not len(packets):
                break
        return any_came

    def _send(self, connected: BulkSocket) -> None:
        """Acknowledgements and publications, as much as the broker takes."""
        while self._acks:
            tokens = self._acks.popleft()
            current = tokens[tokens[:, 0] == self._connection]
            self.acks_discarded += len(tokens) - len(current)
            connected.acknowledge(current[:, 1])
        if self.state.connected:
            self._subscriptions.follow()
        if self._client.want_write():
            self._client.loop_write()
        connected.flush()
        while self.state.connected and not connected.wants_write and (said := self._outbox.next(SAID_AT_ONCE)):
            for topic, payload, retain in said:
                connected.publish(topic, payload, retain)
            connected.flush()
        if connected.for_paho:  # it broke
            self._client.loop_read()

    def _arrived(self, packets: Packets) -> None:
        packets = self._without_figures(packets)
        now_us, count = self._now_us(), len(packets)
        received_us = np.full(count, now_us)
        if self._carried:
            for at in range(count):
                received_us[at] = self._carried_us(packets, at, now_us)
        connection = np.full(count, self._connection)
        self._mail.put(Mail(packets.stream, packets.described, received_us, connection))

    def _without_figures(self, packets: Packets) -> Packets:
        """Take what the broker says of itself; no device's topic begins with `$` (MQTT 5.0, 4.7.2)."""
        figures = [
            at
            for at in np.flatnonzero(packets.stream[packets.described[:, TOPIC_START]] == ord("$")).tolist()
            if packets[at].topic == DROPPED.encode() and packets[at].qos == 0
        ]
        for at in figures:
            if _WHOLE.fullmatch(packets[at].payload):
                self.broker_dropped = int(packets[at].payload)
        return Packets(packets.stream, np.delete(packets.described, figures, axis=0)) if figures else packets

    def _carried_us(self, packets: Packets, at: int, now_us: int) -> int:
        properties = slice(packets.described[at, PROPERTIES_START], packets.described[at, PAYLOAD_START])
        value = user_property(packets.stream[properties].tobytes(), RECEIPT_PROPERTY.encode())
        if value is not None and _WHOLE.fullmatch(value):
            return int(value)
        self.clock_missing += 1
        return now_us

    def _connected(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refused = True
            self._trouble(f"refused us: {reason}; check user name and password in the broker's URL")
            return
        if flags.session_present:
            # The subscription is the session's: messages come from now on, the next ones perhaps before the answer.
            self._mail.forget_before(self._connection)
            self._listening(session_present=True)
        self._subscriptions.begin()

    def _subscribe(self, filters: Sequence[str]) -> int | None:
        return self._client.subscribe([(each, _FIGURE if each == DROPPED else _DEVICES) for each in filters])[1]

    def _unsubscribe(self, filters: Sequence[str]) -> None:
        self._client.unsubscribe(list(filters))

    def _subscribed(
        self, client: Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        try:
            failed = self._subscriptions.answered(mid, [str(each) if each.is_failure else "" for each in reasons])
        except TransportError as problem:
            self._trouble(str(problem))
            client.disconnect()
            return
        if failed:
            self._refused = True
            self._trouble(f"refused the subscription {', '.join(failed)}; check its access list")
            client.disconnect()
        elif self._subscriptions.settled and not self.state.connected:
            self._listening(session_present=False)

    def _listening(self, session_present: bool) -> None:
        now_us, reason = self._now_us(), "disconnected" if session_present else "session lost"
        gap = Gap(self._left_us, now_us, reason) if self._left_us is not None else None
        self._left_us, self._backoff_s, self._refused = None, BACKOFF_FIRST_S, False
        self._report(IntakeState(True, self._connection, now_us, session_present, gap))

    def _disconnected(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if not self._stop.is_set() and not self._refused:
            self._trouble(f"connection lost: {reason}")

    def _trouble(self, problem: str) -> None:
        """Say that there is no connection. The first reason after a connection is the one that explains."""
        now_us = self._now_us()
        if self.state.connected:
            self._left_us = now_us
        if self.state.connected or problem != self.state.problem:
            self._report(replace(self.state, connected=False, since_us=now_us, gap=None, problem=problem))

    def _report(self, state: IntakeState) -> None:
        with self._mail.changed:
            self.state = state
            self._mail.changed.notify_all()
        self._on_state(state)

    def _wait_to_reconnect(self) -> None:
        """Back off, and let takers make room: every connection may bring a Receive Maximum of messages again."""
        if self._stop.wait(self._backoff_s):
            return
        self._backoff_s = min(self._backoff_s * 2, BACKOFF_MAX_S)
        with self._mail.changed:
            self._mail.changed.wait_for(lambda: not self._mail.full or self._stop.is_set())


class _BulkClient(Client):
    """paho on our socket."""

    def __init__(self, client_id: str, broker: Broker, max_packet_bytes: int) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._broker, self._max_packet_bytes = broker, max_packet_bytes

    def _create_socket(self) -> Any:
        return BulkSocket(connect(self._broker), self._max_packet_bytes)
