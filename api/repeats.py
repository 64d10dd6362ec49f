"""Sightings that a camera tells twice: the same plate at the same camera within a few seconds is one vehicle.

What is remembered is a hash under a key of this process, never a plate. A restart forgets, and then the same event is
still one record in the log: its content is its identity.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from contracts import plain_xml
from contracts.errors import MessageRejected

REPEAT_S: Final = 3.0
"""Cameras read a plate again while the vehicle is still in the picture; nobody comes back so soon."""
SIGHTINGS_MAX: Final = 20_000
"""A minute of all cameras of a large city."""
UNREAD: Final = frozenset({"", "unknown", "noplate"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """One plate at one camera at one moment."""

    key: bytes
    moment_s: float


class Repeats:
    """The newest sighting of each plate at each camera. Not for several threads at once."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def sighting(self, device: str, event: bytes) -> Sighting | None:
        """What an event saw; None where it holds no plate, or cannot be read: then it is judged in the pipeline."""
        try:
            alert = plain_xml.parse(event)
            moment = datetime.fromisoformat(alert.value("dateTime"))
            moment_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (MessageRejected, ValueError, OverflowError):
            return None
        plate = alert.value("ANPR", "licensePlate")
        if plate.lower() in UNREAD:
            return None
        lane = alert.value("ANPR", "line")
        key = blake2b(f"{device}\0{lane}\0{plate}".encode(), key=self._secret, digest_size=16).digest()
        return Sighting(key, moment_s)

    def is_repeat(self, sighting: Sighting) -> bool:
        """Whether it is the one that was confirmed last, or within seconds of it."""
        seen_s = self._seen.get(sighting.key)
        return seen_s is not None and abs(sighting.moment_s - seen_s) < REPEAT_S

    def confirmed(self, sighting: Sighting) -> None:
        """Remember one that the broker has."""
        self._seen[sighting.key] = sighting.moment_s
        self._seen.move_to_end(sighting.key)
        while len(self._seen) > SIGHTINGS_MAX:
            self._seen.popitem(last=False)
