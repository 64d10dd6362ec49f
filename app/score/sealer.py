"""Plates of days that nobody lives: judged and hashed as those of a real one, never to be opened.

A simulated plate is nobody's, so no key is kept from anybody; what counts is that equal plates have equal hashes on one
day, other ones on the next, and both for two hours after midnight, as `contracts.ports.PlateSealer` promises. So what a
read becomes is kept and used again: a vehicle passes many cameras.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from app.past import PLATE_COLUMNS
from contracts.clock import DAY_US, HOUR_US, THAI_OFFSET_US
from contracts.columns import PLATE_HASH_BYTES, PLATE_SEALED_BYTES, Columns
from contracts.ports import SealedPlate
from contracts.records import PlateRead, VehicleClass
from ingest.plates import CLEAR_CONFIDENCE, consensus
from simulators.plates import Read

KEPT_READS: Final = 1_000_000
"""What so many reads became is remembered: more than a day has."""
BEFORE_US: Final = 2 * HOUR_US
"""So long after midnight a plate carries the hash of the day before, too."""
_NONE: Final = bytes(PLATE_HASH_BYTES)
_SEALED: Final = b"\1" * PLATE_SEALED_BYTES


@lru_cache(maxsize=8)
def _key(day: int) -> bytes:
    return blake2b(b"score %d" % day, digest_size=32).digest()


class ScoreSealer:
    """Implements `PlateSealer`."""

    def seal(self, text: str, skeleton: str, event_us: int) -> SealedPlate:
        """Hashes of a plate under the keys of its day."""
        day, inside_us = divmod(event_us + THAI_OFFSET_US, DAY_US)
        key, plain = _key(day), text.encode()
        before = _hash(plain, _key(day - 1)) if inside_us < BEFORE_US else _NONE
        return SealedPlate(day, _hash(plain, key), before, _hash(b"~" + skeleton.encode(), key), _SEALED)

    def digest(self, content: bytes, event_us: int) -> int:
        """63 bits of a content and its day."""
        key = _key((event_us + THAI_OFFSET_US) // DAY_US)
        return int.from_bytes(blake2b(content, digest_size=8, key=key).digest(), "big") >> 1


def _hash(content: bytes, key: bytes) -> bytes:
    return blake2b(content, digest_size=PLATE_HASH_BYTES, key=key).digest()


class Plates:
    """Puts plates into passages as `app.past.seal_plates` does, and remembers what each read becomes."""

    def __init__(self) -> None:
        self._sealer = ScoreSealer()
        self._known: dict[tuple[str, str | None, int, bool, int, bool], tuple[Any, ...] | None] = {}

    def put(self, passages: Columns, reads: Sequence[Read | None]) -> Columns:
        """The passages with the plates that were read of them."""
        passages = passages.copy()
        local_us = passages["event_us"] + THAI_OFFSET_US
        days, early = (local_us // DAY_US).tolist(), (local_us % DAY_US < BEFORE_US).tolist()
        vehicles, events = passages["vehicle"].tolist(), passages["event_us"].tolist()
        if len(self._known) > KEPT_READS:
            self._known.clear()
        places, values, confidences = [], [], []
        for place, read in enumerate(reads):
            if read is None:
                continue
            key = (read[0], read[1], vehicles[place], read[2] >= CLEAR_CONFIDENCE, days[place], early[place])
            if key not in self._known:
                self._known[key] = self._become(read, vehicles[place], events[place])
            found = self._known[key]
            if found is not None:
                places.append(place)
                values.append(found)
                confidences.append(read[2])
        if places:
            for name, column in zip(PLATE_COLUMNS, zip(*values, strict=True), strict=True):
                passages[name][places] = np.array(column, passages.dtype[name])
            passages["plate_confidence"][places] = confidences
        return passages

    def _become(self, read: Read, vehicle: int, event_us: int) -> tuple[Any, ...] | None:
        """The columns of one read. Of a single read the confidence decides only by being above the line or not."""
        plate = consensus([PlateRead(read[0], read[2], read[1])], VehicleClass(vehicle))
        if plate is None:
            return None
        made = self._sealer.seal(plate.sealed_text, plate.skeleton, event_us)
        return (
            int(plate.state), plate.confidence, made.day, made.hash, made.hash_before, made.skeleton, made.sealed,
        )  # fmt: skip
