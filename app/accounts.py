"""Who may connect to the broker, and what they may say: one account a device, one for each part of the house.

A device publishes the kinds of its entry under its own topics and reads its own mark, nothing else. They are spelled
out, without a wildcard: below one for the zone a device could leave a retained message in any number of zones, until
the broker's memory is full. A device of another family, or the gateway that speaks for it, publishes to the topics of
its entry and reads nothing.
Passwords are made once and kept in a file that only we may read.
"""

import json
import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from app.services.broker import Broker
from app.services.broker_settings import password_lines
from app.services.secret_file import passwords_for
from contracts.city import City
from contracts.devices import Device
from contracts.topics import PREFIX, VERSION, Kind, Topic

PIPELINE: Final = "andaman-pipeline"
RECORDER: Final = "andaman-recorder"
REPLAYER: Final = "andaman-replayer"
HOUSE: Final = (PIPELINE, RECORDER, REPLAYER)
ROOT: Final = f"{PREFIX}/{VERSION}"

ACCESS: Final = (
    f"user {PIPELINE}",
    f"topic read {ROOT}/#",
    f"topic write {ROOT}/+/+/+/{Kind.MARK}",
    "",
    f"user {RECORDER}",
    f"topic read {ROOT}/#",
    "",
    f"user {REPLAYER}",
    f"topic write {ROOT}/#",
)
"""What the house may do, as lines of Mosquitto's access file."""
ACCOUNTS_FILE: Final = "mqtt-accounts.json"
"""In the data folder: every account and its password."""


def passwords(data: Path, names: Iterable[str]) -> dict[str, str]:
    """The broker passwords of these accounts; missing ones are made."""
    return passwords_for(names, data / ACCOUNTS_FILE)


def made(data: Path, name: str) -> bool:
    """Whether an account has been made here: then a broker of somebody else's was given it too."""
    file = data / ACCOUNTS_FILE
    return file.exists() and name in json.loads(file.read_text("utf-8"))


def access(city: City) -> tuple[str, ...]:
    """Lines of Mosquitto's access file for the house and the devices of a city."""
    native = [device for device in city.devices if device.adapter is None]
    foreign = _foreign_accounts(city)
    return (
        *_house_access(dict.fromkeys(topic for topics in foreign.values() for topic in topics)),
        *(line for device in native for line in _device_access(city.id, device)),
        *(line for account, topics in foreign.items() for line in _foreign_access(account, topics)),
    )


def _foreign_accounts(city: City) -> dict[str, dict[str, None]]:
    """Accounts under which devices of other families are heard, each with the topics of its devices in order: a
    device's own, or that of the gateway, bridge or server that publishes for it."""
    accounts: dict[str, dict[str, None]] = {}
    for device in city.devices:
        if device.adapter is not None:
            accounts.setdefault(device.adapter.account or device.id, {}).update(dict.fromkeys(device.adapter.topics))
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


def _device_access(city: str, device: Device) -> Iterator[str]:
    yield ""
    yield f"user {device.id}"
    said = (kind for kind in device.kinds if kind is not Kind.MARK)
    yield from (f"topic write {Topic(city, device.zone, device.id, kind)}" for kind in said)
    yield f"topic read {Topic(city, device.zone, device.id, Kind.MARK)}"


def client_id(name: str, url: str) -> str:
    """A name of ours at the broker that nobody guesses who does not know our password.

    A broker gives a session to whoever names it: under a known name any account could end the connection of ours, and
    what waits for us would be gone, unread.
    """
    password = urlsplit(url).password or ""
    return f"{name}-{blake2b(name.encode(), key=password.encode()[:64], digest_size=8).hexdigest()}"


def _names(city: City) -> tuple[str, ...]:
    return (*HOUSE, *(device.id for device in city.devices if device.adapter is None), *_foreign_accounts(city))


def give_accounts(broker: Broker, data: Path, city: City) -> None:
    """Let the house and the city's devices connect, and nobody else."""
    broker.set_accounts(passwords(data, _names(city)), access(city))


def write_files(data: Path, city: City, passwords_file: Path, access_file: Path) -> int:
    """The same for a Mosquitto of somebody else's, as its `password_file` and `acl_file`; how many accounts.

    Whoever runs this owns the files, and nobody else may read them: Mosquitto must run as the same account.
    """
    everybody = passwords(data, _names(city))
    _replace(passwords_file, password_lines(everybody))
    _replace(access_file, "".join(f"{line}\n" for line in access(city)))
    return len(everybody)


def _replace(file: Path, text: str) -> None:
    scratch = file.with_name(f"{file.name}.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    scratch.replace(file)


def with_account(url: str, name: str, password: str) -> str:
    """The broker's URL with an account in it; one that names an account already is left as it is."""
    parts = urlsplit(url)
    if parts.username:
        return url
    return parts._replace(netloc=f"{quote(name)}:{quote(password)}@{parts.netloc}").geturl()
