"""The folder of keys, apart from the database: files of random bytes that exist once or, destroyed, never again.

Folder 0700, files 0600. A key is written aside, synced and linked into place, so that a crash leaves a whole key or
none and of two processes that make the same key one wins and both use it. A destroyed key leaves a tombstone: the
same name is never made again, or what it sealed would seem to be merely unreadable.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import VaultError

_KEY: Final = re.compile(r"^(day|case)-(-?\d+)\.(key|destroyed)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key that the folder has or had. `fingerprint` is empty for a destroyed one."""

    kind: str
    day: int
    fingerprint: bytes

    @property
    def destroyed(self) -> bool:
        """Whether only its tombstone is left."""
        return not self.fingerprint


class KeyFolder:
    """Keys by kind (`day`, `case`) and day (days since 1970, Thai time)."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, making it where it is missing.

        Raises:
            VaultError: others than its owner may read it.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode & 0o777
        if mode & 0o077:
            raise VaultError(f"{folder}: the keys' folder is open to others (mode {mode:o}); run chmod 700 on it")
        self._folder = folder

    def take(self, kind: str, day: int, size: int) -> bytes:
        """The key, made where there is none yet.

        Raises:
            VaultError: it was destroyed, or its file is damaged.
        """
        while True:
            key = self.find(kind, day, size)
            if key is not None:
                return key
            self._make(self._path(kind, day), size)

    def find(self, kind: str, day: int, size: int) -> bytes | None:
        """The key, or None where there never was one.

        Raises:
            VaultError: it was destroyed, or its file is damaged.
        """
        # The tombstone stands before the key is gone, so it is asked first.
        if self._tombstone(kind, day).exists():
            raise VaultError(f"the {kind} key of day {day} was destroyed: what it sealed is gone for good")
        try:
            key = self._path(kind, day).read_bytes()
        except FileNotFoundError:
            return None
        if len(key) != size:
            raise VaultError(f"{self._path(kind, day)}: {len(key)} bytes instead of {size}; restore it from a backup")
        return key

    def destroy(self, kind: str, day: int) -> bool:
        """Overwrite and remove a key; False where there is none. Its name is never used again."""
        path = self._path(kind, day)
        tombstone = os.open(self._tombstone(kind, day), os.O_CREAT | os.O_WRONLY, 0o600)
        os.close(tombstone)
        self._sync()
        try:
            size = path.stat().st_size
            with path.open("r+b", buffering=0) as file:
                file.write(secrets.token_bytes(size))
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            return False
        self._sync()
        return True

    def entries(self) -> Iterator[Entry]:
        """Every key that is or was there."""
        for path in sorted(self._folder.iterdir()):
            match = _KEY.match(path.name)
            if match and match[3] == "destroyed":
                yield Entry(match[1], int(match[2]), b"")
            elif match and not self._tombstone(match[1], int(match[2])).exists():
                yield Entry(match[1], int(match[2]), fingerprint(path.read_bytes()))

    def _path(self, kind: str, day: int) -> Path:
        return self._folder / f"{kind}-{day}.key"

    def _tombstone(self, kind: str, day: int) -> Path:
        return self._folder / f"{kind}-{day}.destroyed"

    def _make(self, path: Path, size: int) -> None:
        aside = self._folder / f"{path.name}.{secrets.token_hex(8)}"
        descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(size))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass  # another process was quicker; its key is the key
        finally:
            aside.unlink()
        self._sync()

    def _sync(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def fingerprint(key: bytes) -> bytes:
    """Eight bytes that tell keys apart and give nothing away of 256 random bits."""
    return hashlib.blake2b(key, digest_size=8, person=b"andaman-key").digest()
