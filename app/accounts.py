"""Who may connect to the broker, and what they may say: one account a device, one for each part of the house.

A device publishes below its own topics and reads its own mark only; Mosquitto holds that by pattern, with the account's
name in place of `%u`. Passwords are made once and kept in a file that only we may read.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from app.services.broker import Broker
from app.services.secret_file import passwords_for
from contracts.topics import PREFIX, VERSION, Kind

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
    "",
    *(f"pattern write {ROOT}/+/+/%u/{kind}" for kind in Kind if kind is not Kind.MARK),
    f"pattern read {ROOT}/+/+/%u/{Kind.MARK}",
)
"""Lines of Mosquitto's access file."""


def passwords(data: Path, names: Iterable[str]) -> dict[str, str]:
    """The broker passwords of these accounts; missing ones are made."""
    return passwords_for(names, data / "mqtt-accounts.json")


def give_accounts(broker: Broker, data: Path, devices: Iterable[str]) -> None:
    """Let the house and these devices connect, and nobody else."""
    broker.set_accounts(passwords(data, (*HOUSE, *devices)), ACCESS)


def with_account(url: str, name: str, password: str) -> str:
    """The broker's URL with an account in it; one that names an account already is left as it is."""
    parts = urlsplit(url)
    if parts.username:
        return url
    return parts._replace(netloc=f"{quote(name)}:{quote(password)}@{parts.netloc}").geturl()
