"""What the broker says of itself: how many messages it has thrown away because a queue was full.

A line of its own beside the intake's: what it says is no message of a device, and a word every ten seconds needs no
speed. While there is no broker, or one that does not tell us, the last figure stands.
"""

import logging
import threading
from typing import Final

from contracts.errors import TransportError
from simulators.publish import Account, Heard, Line

LOG = logging.getLogger(__name__)

DROPPED: Final = "$SYS/broker/publish/messages/dropped"
"""Mosquitto's count of messages dropped at the limits of its queues, since it started."""
AGAIN_S: Final = 5.0
"""Pause before a broker that is away is tried again; it has nothing to tell us meanwhile."""
LOOK_S: Final = 1.0


class BrokerWatch:
    """`dropped`: how many messages the broker has thrown away since it started, 0 until it was heard."""

    def __init__(self, account: Account, client_id: str) -> None:
        self.dropped = 0
        self._account, self._client_id = account, client_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-watch", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """End. Closing twice does no harm."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._listen(Line(self._account, self._client_id, on_heard=self._heard))
            self._stop.wait(AGAIN_S)

    def _listen(self, line: Line) -> None:
        """One connection, from its opening to its end."""
        asked = False
        try:
            line.open()
            while line.socket is not None and not self._stop.is_set():
                line.pump(LOOK_S)
                if line.up and not asked:
                    line.subscribe(DROPPED)
                    asked = True
        except (TransportError, OSError) as problem:
            LOG.debug("the broker's own figures: %s", problem)
        line.close()

    def _heard(self, heard: Heard) -> None:
        if heard.payload.isdigit():
            self.dropped = int(heard.payload)
