"""Who may connect to the broker, and what they may say: one account a device, one for each part of the house.

A device publishes the kinds of its entry under its own topics and reads its own mark, nothing else. They are spelled
out, without a wildcard: below one for the zone a device could leave a retained message in any number of zones, until
the broker's memory is full. A device of another family, or the gateway that speaks for it, publishes to the topics of
its entry and reads nothing.
Passwords of the house, and of accounts that were never given a credential of their own, are made once and kept in a
file that only we may read. Of a device's own credential (`andaman device`) the database has the hash, nobody more.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from app.services.broker import Broker
from app.services.broker_settings import password_lines
from app.services.folders import replace_file
from app.services.secret_file import passwords_for, write_password
from contracts.adapters import HOUSE_ACCOUNTS, account_of
from contracts.city import City
from contracts.onboarding import KnownCredential
from contracts.topics import PREFIX, VERSION, Kind, Topic
from ingest.connection import DROPPED

PIPELINE: Final = "andaman-pipeline"
RECORDER: Final = "andaman-recorder"
REPLAYER: Final = "andaman-replayer"
HOUSE: Final = (PIPELINE, RECORDER, REPLAYER)
ROOT: Final = f"{PREFIX}/{VERSION}"

ACCESS: Final = (
    f"user {PIPELINE}",
    f"topic read {ROOT}/#",
    f"topic write {ROOT}/+/+/+/{Kind.MARK}",
    f"topic read {DROPPED}",
    "",
    f"user {RECORDER}",
    f"topic read {ROOT}/#",
    "",
    f"user {REPLAYER}",
    f"topic write {ROOT}/#",
)
"""What the house may do, as lines of Mosquitto's access file."""
SAID: Final = tuple(kind for kind in Kind if kind is not Kind.MARK)
"""What a device may say that has no entry yet, below the one zone for which it was invited."""
ACCOUNTS_FILE: Final = "mqtt-accounts.json"
"""In the data folder: every account and its password."""


def passwords(data: Path, names: Iterable[str]) -> dict[str, str]:
    """The broker passwords of these accounts; missing ones are made."""
    return passwords_for(names, data / ACCOUNTS_FILE)


def keep_password(data: Path, name: str, password: str) -> None:
    """Give an account this password: a simulated device, which lives here, then has it with its next connection."""
    write_password(name, password, data / ACCOUNTS_FILE)


class PasswordBook:
    """The passwords of the file as they are now: one that has changed is known to whoever connects next."""

    def __init__(self, data: Path, names: Iterable[str]) -> None:
        """Missing ones are made."""
        self._file = data / ACCOUNTS_FILE
        self._known, self._stamp = passwords(data, names), self._file.stat().st_mtime_ns

    def __call__(self, name: str) -> str:
        """The password of one of them."""
        stamp = self._file.stat().st_mtime_ns
        if stamp != self._stamp:
            self._known, self._stamp = {**self._known, **json.loads(self._file.read_text("utf-8"))}, stamp
        return self._known[name]


def made(data: Path, name: str) -> bool:
    """Whether an account has been made here: then a broker of somebody else's was given it too."""
    file = data / ACCOUNTS_FILE
    return file.exists() and name in json.loads(file.read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who may connect and what they may do: passwords that are kept here, hashes of those that only their device has,
    lines of Mosquitto's access file."""

    passwords: dict[str, str]
    hashes: dict[str, str]
    access: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.passwords) + len(self.hashes)


def accounts_of(data: Path, city: City, credentials: Mapping[str, KnownCredential] | None = None) -> Accounts:
    """The accounts of the house, of the city's devices and of those that are expected but not in it yet.

    A device whose credential was revoked has none; one that was never given any has the password of the data folder.
    """
    given = {name: each for name, each in (credentials or {}).items() if not is_ours(name)}
    lines = _lines(city, given)
    hashes = {name: each.hash for name, each in given.items() if each.hash is not None and name in lines}
    ours = [name for name in lines if name not in given]
    speaking = {name: own for name, own in lines.items() if name in hashes or name not in given}
    return Accounts(passwords(data, (*HOUSE, *ours)), hashes, _access(speaking, _foreign_accounts(city)))


def is_ours(name: str) -> bool:
    """Whether a name is kept for the house: a device of that name would take its account over."""
    return name.startswith(HOUSE_ACCOUNTS)


def access(city: City) -> tuple[str, ...]:
    """Lines of Mosquitto's access file for the house and the devices of a city."""
    return _access(_lines(city, {}), _foreign_accounts(city))


def _access(lines: Mapping[str, tuple[str, ...]], foreign: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    heard = dict.fromkeys(topic for topics in foreign.values() for topic in topics)
    return (*_house_access(heard), *(line for own in lines.values() for line in own))


def _lines(city: City, given: Mapping[str, KnownCredential]) -> dict[str, tuple[str, ...]]:
    """What each account outside the house may do: native devices, families, who is expected but not in the city."""
    native = {device.id: device for device in city.devices if device.adapter is None}
    lines = {name: tuple(_says(city.id, device.zone, name, device.kinds)) for name, device in native.items()}
    lines |= {name: tuple(_foreign_access(name, topics)) for name, topics in _foreign_accounts(city).items()}
    # Whom a gateway or the receiver speaks for is not expected: a credential of its own would be a second way in.
    known = {device.id for device in city.devices}
    expected = {name: each.zone for name, each in given.items() if name not in lines.keys() | known}
    return lines | {name: tuple(_says(city.id, zone, name, SAID)) for name, zone in expected.items()}


def _foreign_accounts(city: City) -> dict[str, dict[str, None]]:
    """Accounts under which devices of other families are heard, each with the topics of its devices in order: a
    device's own, or that of the gateway, bridge or server that publishes for it."""
    accounts: dict[str, dict[str, None]] = {}
    for device in city.devices:
        if device.adapter is not None:
            accounts.setdefault(account_of(device), {}).update(dict.fromkeys(device.adapter.topics))
    return accounts


def _house_access(foreign: Iterable[str]) -> Iterator[str]:
    """The house's own lines; the pipeline also reads what devices of other families say."""
    for line in ACCESS:
        yield line
        if line == f"user {PIPELINE}":
            yield from (f"topic read {topic}" for topic in foreign)


def _foreign_access(account: str, topics: Iterable[str]) -> Iterator[str]:
    yield ""
    yield f"user {account}"
    yield from (f"topic write {topic}" for topic in topics)


def _says(city: str, zone: str, device: str, kinds: Iterable[Kind]) -> Iterator[str]:
    yield ""
    yield f"user {device}"
    yield from (f"topic write {Topic(city, zone, device, kind)}" for kind in kinds if kind is not Kind.MARK)
    yield f"topic read {Topic(city, zone, device, Kind.MARK)}"


def client_id(name: str, url: str) -> str:
    """A name of ours at the broker that nobody guesses who does not know our password.

    A broker gives a session to whoever names it: under a known name any account could end the connection of ours, and
    what waits for us would be gone, unread.
    """
    password = urlsplit(url).password or ""
    return f"{name}-{blake2b(name.encode(), key=password.encode()[:64], digest_size=8).hexdigest()}"


def give_accounts(
    broker: Broker, data: Path, city: City, credentials: Mapping[str, KnownCredential] | None = None
) -> int:
    """Let the house and the devices connect, and nobody else; how many. Who lost the account is disconnected."""
    everybody = accounts_of(data, city, credentials)
    broker.set_accounts(everybody.passwords, everybody.access, everybody.hashes)
    return len(everybody)


def write_files(
    data: Path,
    city: City,
    passwords_file: Path,
    access_file: Path,
    credentials: Mapping[str, KnownCredential] | None = None,
) -> int:
    """The same for a Mosquitto of somebody else's, as its `password_file` and `acl_file`; how many accounts.

    Whoever runs this owns the files, and nobody else may read them: Mosquitto must run as the same account. It reads
    them anew at a SIGHUP.
    """
    everybody = accounts_of(data, city, credentials)
    replace_file(passwords_file, password_lines(everybody.passwords, everybody.hashes))
    replace_file(access_file, "".join(f"{line}\n" for line in everybody.access))
    return len(everybody)


def with_account(url: str, name: str, password: str) -> str:
    """The broker's URL with an account in it; one that names an account already is left as it is."""
    parts = urlsplit(url)
    if parts.username:
        return url
    return parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{parts.netloc}").geturl()
