"""Seals and opens plates. Who has the database alone, or a backup of it, has no plate.

- A Thai day has one file with two keys: one encrypts, one hashes. When the file is destroyed, the plates of that day
  are gone, and nobody can enumerate the small plate space against its hashes.
- A violation's plate is sealed again under a random key of its own, which is wrapped under a key of the month.
- Rejected payloads may hold a plate, so they are sealed under the day's encryption key.

AES-256-GCM with random 96-bit nonces: far fewer than 2**32 seals a key (NIST SP 800-38D, 8.3). What a seal is for is
bound into it as associated data, so that none can be passed off as another. Hashes are HMAC-SHA256, 16 bytes of it.
"""

import hmac
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.clock import DAY_US, HOUR_US, THAI_OFFSET_US, to_datetime
from contracts.columns import PLATE_HASH_BYTES, PLATE_SEALED_BYTES
from contracts.errors import VaultError
from contracts.ports import SealedPlate
from storage.keyfolder import Entry, KeyFolder

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SEAL_BYTES: Final = NONCE_BYTES + 16
"""What sealing adds: the nonce, and the tag of AES-GCM."""
PADDED_BYTES: Final = PLATE_SEALED_BYTES - SEAL_BYTES
"""All plates are equally long when sealed: one byte of length, the text, zeros."""
OVERLAP_US: Final = 2 * HOUR_US
"""For so long after midnight a plate also carries the hash of the day before, so that a drive across it is one."""
DAYS_REMEMBERED: Final = 64
"""Keys of so many days are kept in memory: the made past spreads over days and comes in order."""
TRUST_S: Final = 60.0
"""How long a remembered key is used without asking the folder whether it was destroyed."""


@dataclass(frozen=True, slots=True)
class DayKeys:
    """The keys of one Thai day, ready to use, and until when (monotonic seconds) they may be trusted to exist."""

    cipher: AESGCM
    hashing: bytes
    trusted_until_s: float


def thai_day(time_us: int) -> int:
    """Days since 1970 of a moment, by Thai time."""
    return (time_us + THAI_OFFSET_US) // DAY_US


class Vault:
    """The keys and what is done with them; implements `contracts.ports.PlateSealer` and `PlateOpener`.

    Any thread may use it. Keys that are missing are made when something is sealed, never when it is opened.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = KeyFolder(folder)
        self._days: dict[int, DayKeys] = {}
        self._months: dict[int, tuple[AESGCM, float]] = {}
        self._lock = threading.Lock()

    def seal(self, text: str, skeleton: str, event_us: int) -> SealedPlate:
        """Seal and hash a plate with the keys of the event's day.

        Raises:
            VaultError: the day's keys were destroyed, or the text is too long.
        """
        day = thai_day(event_us)
        keys = self._day(day)
        plain = text.encode()
        before = bytes(PLATE_HASH_BYTES)
        if (event_us + THAI_OFFSET_US) % DAY_US < OVERLAP_US:
            before = self._hash_before(day - 1, plain)
        return SealedPlate(
            day=day,
            hash=_hash(keys.hashing, b"plate", plain),
            hash_before=before,
            skeleton=_hash(keys.hashing, b"skeleton", skeleton.encode()),
            sealed=_encrypt(keys.cipher, _padded(plain), b"plate %d" % day),
        )

    def digest(self, content: bytes, event_us: int) -> int:
        """63 bits of a content that holds a plate. Keyed: against a plain hash beside the rest of a row in the clear,
        whoever has the database could try every plate there is.

        Raises:
            VaultError: the day's keys were destroyed.
        """
        return int.from_bytes(_hash(self._day(thai_day(event_us)).hashing, b"content", content)[:8], "big") >> 1

    def hashes(self, text: str, day: int) -> bytes:
        """The hash of a plate under a day's key, to search with.

        Raises:
            VaultError: the day's keys were destroyed.
        """
        return _hash(self._day(day).hashing, b"plate", text.encode())

    def open_day(self, sealed: bytes, day: int) -> str:
        """The plate of a log row.

        Raises:
            VaultError: the day's keys were destroyed or never existed, or do not open it.
        """
        return _unpadded(_decrypt(self._existing(day).cipher, sealed, b"plate %d" % day))

    def seal_bytes(self, content: bytes, time_us: int) -> tuple[int, bytes]:
        """Seal a rejected payload; returns the day whose key it is under, and the sealed bytes.

        Raises:
            VaultError: the day's keys were destroyed.
        """
        day = thai_day(time_us)
        return day, _encrypt(self._day(day).cipher, content, b"payload %d" % day)

    def open_bytes(self, sealed: bytes, day: int) -> bytes:
        """A rejected payload.

        Raises:
            VaultError: the day's keys were destroyed or never existed, or do not open it.
        """
        return _decrypt(self._existing(day).cipher, sealed, b"payload %d" % day)

    def case_seal(self, text: str, occurred_us: int) -> tuple[bytes, bytes]:
        """Seal a violation's plate under a key of its own; returns the sealed plate and the wrapped key.

        Raises:
            VaultError: the month's key was destroyed.
        """
        month = _month(occurred_us)
        key = AESGCM.generate_key(256)
        wrapping = self._wrapping(month, make=True)
        wrapped = month.to_bytes(4, "big", signed=True) + _encrypt(wrapping, key, b"case key %d" % month)
        return _encrypt(AESGCM(key), _padded(text.encode()), b"case"), wrapped

    def open_case(self, sealed: bytes, wrapped: bytes) -> str:
        """The plate of a violation.

        Raises:
            VaultError: the month's key was destroyed or never existed, or does not open it.
        """
        month = int.from_bytes(wrapped[:4], "big", signed=True)
        wrapping = self._folder.find("case", month, KEY_BYTES)
        if wrapping is None:
            raise VaultError(
                f"there is no case key of the month that begins with day {month}: is this the right vault?"
            )
        key = _decrypt(AESGCM(wrapping), wrapped[4:], b"case key %d" % month)
        return _unpadded(_decrypt(AESGCM(key), sealed, b"case"))

    def destroy(self, day: int) -> bool:
        """Destroy a day's keys for good; False where there were none. `storage.ledger` notes it."""
        with self._lock:
            self._days.pop(day, None)
            return self._folder.destroy("day", day)

    def entries(self) -> Iterator[Entry]:
        """Every key that is or was there."""
        return self._folder.entries()

    def _day(self, day: int) -> DayKeys:
        keys = self._days.get(day)
        if keys is not None and time.monotonic() < keys.trusted_until_s:
            return keys
        return self._load(day, self._folder.take("day", day, 2 * KEY_BYTES))

    def _existing(self, day: int) -> DayKeys:
        both = self._folder.find("day", day, 2 * KEY_BYTES)
        if both is None:
            raise VaultError(f"there are no keys of day {day}: is this the right vault?")
        return self._load(day, both)

    def _wrapping(self, month: int, make: bool) -> AESGCM:
        """The key over a month's case keys, trusted for as long as a day's."""
        cipher, trusted_until_s = self._months.get(month, (None, 0.0))
        if cipher is None or time.monotonic() >= trusted_until_s:
            find = self._folder.take if make else self._folder.find
            key = find("case", month, KEY_BYTES)
            if key is None:
                raise VaultError(f"there is no case key of the month from day {month} on: is this the right vault?")
            cipher = AESGCM(key)
            with self._lock:
                if len(self._months) >= DAYS_REMEMBERED:
                    self._months.clear()
                self._months[month] = (cipher, time.monotonic() + TRUST_S)
        return cipher

    def _load(self, day: int, both: bytes) -> DayKeys:
        keys = DayKeys(AESGCM(both[:KEY_BYTES]), both[KEY_BYTES:], time.monotonic() + TRUST_S)
        with self._lock:
            self._days[day] = keys
            while len(self._days) > DAYS_REMEMBERED:
                del self._days[next(iter(self._days))]
        return keys

    def _hash_before(self, day: int, plain: bytes) -> bytes:
        try:
            return _hash(self._day(day).hashing, b"plate", plain)
        except VaultError:
            return bytes(PLATE_HASH_BYTES)  # its day is gone, and so is whatever it could be matched with


def _hash(key: bytes, purpose: bytes, plain: bytes) -> bytes:
    return hmac.digest(key, purpose + b"\0" + plain, "sha256")[:PLATE_HASH_BYTES]


def _padded(plain: bytes) -> bytes:
    if len(plain) >= PADDED_BYTES:
        raise VaultError(f"a plate of {len(plain)} bytes is longer than the {PADDED_BYTES - 1} that a seal holds")
    return bytes((len(plain),)) + plain.ljust(PADDED_BYTES - 1, b"\0")


def _unpadded(padded: bytes) -> str:
    return padded[1 : 1 + padded[0]].decode()


def _encrypt(cipher: AESGCM, plain: bytes, purpose: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, purpose)


def _decrypt(cipher: AESGCM, sealed: bytes, purpose: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose)
    except (InvalidTag, ValueError) as problem:
        raise VaultError("the key does not open this: it was altered, or sealed by another vault") from problem


def _month(time_us: int) -> int:
    """The first day of a moment's Thai month, as days since 1970."""
    day = thai_day(time_us)
    return day - to_datetime(day * DAY_US).day + 1
