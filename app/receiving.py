"""What the receiver of posts needs: the devices of the city in force, their passwords, and the broker.

The passwords are the receiver's own, apart from those at the broker: cameras send them over HTTP. They lie in the data
folder, in clear, because digest needs them so.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.services.folders import is_private
from app.services.secret_file import write_password
from contracts.city import City
from contracts.devices import Device
from contracts.errors import ConfigError, StorageUnavailable
from contracts.receiving import RECEIVER_ACCOUNT, Poster
from ingest.publisher import Publisher

PASSWORDS_FILE: Final = "receiver-passwords.json"
PASSWORD_BYTES: Final = 12
"""96 bits, out of reach of guessing, in the 16 characters that the pages of cameras take."""
REFRESH_S: Final = 5.0
"""How soon a device that came or went is known."""


class Passwords:
    """The passwords of devices that post. One that was revoked is kept as an empty one, so that it is not made anew."""

    def __init__(self, data: Path) -> None:
        self._file = data / PASSWORDS_FILE
        self._known: dict[str, str] = {}
        self._stamp: tuple[int, int] | None = None

    def get(self, device: str) -> str | None:
        """The password; None where it has none, or not any more.

        Raises:
            ConfigError: others may read the file.
        """
        self._read()
        return self._known.get(device) or None

    def renew(self, device: str) -> str:
        """Give a device a new password; the old one is worth nothing from then on."""
        made = secrets.token_urlsafe(PASSWORD_BYTES)
        write_password(device, made, self._file)
        return made

    def revoke(self, device: str) -> None:
        """Take a device its password."""
        write_password(device, "", self._file)

    def _read(self) -> None:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            self._known, self._stamp = {}, None
            return
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            if not is_private(self._file):
                problem = "others may read it: chmod 600 and renew what is in it"
                raise ConfigError("secrets", str(self._file), problem, "secrets")
            self._known, self._stamp = json.loads(self._file.read_text("utf-8")), stamp


class CityMailroom:
    """Who may post is whom the city in force says so, and who has a password."""

    def __init__(self, city: Callable[[], City | None], passwords: Passwords, publisher: Publisher) -> None:
        self._city, self._passwords, self._publisher = city, passwords, publisher
        self._lock = threading.Lock()
        self._topics: dict[str, str] = {}
        self._looked_s = float("-inf")

    def poster(self, name: str) -> Poster | None:
        """The device of that name; None where there is none that may post.

        Raises:
            StorageUnavailable: the database was never reached.
        """
        with self._lock:
            self._look()
            topic = self._topics.get(name)
            password = self._passwords.get(name) if topic is not None else None
        return None if topic is None or password is None else Poster(name, password, topic)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1; TransportError where the broker has not taken it."""
        self._publisher.publish(topic, payload)

    def close(self) -> None:
        """End the connection to the broker."""
        self._publisher.close()

    def _look(self) -> None:
        if time.monotonic() - self._looked_s < REFRESH_S:
            return
        try:
            city = self._city()
        except StorageUnavailable:
            if self._looked_s == float("-inf"):
                raise
            # A database that is away takes nobody's place: what was known still holds, and not every post waits for it.
        else:
            self._topics = {device.id: topic for device, topic in posting(city)} if city else {}
        self._looked_s = time.monotonic()


def posting(city: City) -> list[tuple[Device, str]]:
    """The devices of a city that post over HTTP, each with its topic."""
    entries = ((device, device.adapter) for device in city.devices)
    return [(device, entry.topics[0]) for device, entry in entries if entry and entry.account == RECEIVER_ACCOUNT]
