"""A sealer for days that nobody lives: hashes as the vault makes them, but with keys of their own, and nothing to open.

A simulated plate is nobody's, so no key is kept from anybody; what counts is that equal plates have equal hashes on one
day, other ones on the next, and both for two hours after midnight, as `contracts.ports.PlateSealer` promises.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

from contracts.clock import DAY_US, HOUR_US, THAI_OFFSET_US
from contracts.columns import PLATE_HASH_BYTES, PLATE_SEALED_BYTES
from contracts.ports import SealedPlate

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
