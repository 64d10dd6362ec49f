"""Who may connect to the broker, and what they may say: one account a device, one for each part of the house.

A device publishes below its own topics and reads its own mark only; Mosquitto holds that by pattern, with the account's
name in place of `%u`. Passwords are made once and kept in a file that only we may read.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from app.services.broker import Broker
from app.services.broker_settings import password_lines
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
ACCOUNTS_FILE: Final = "mqtt-accounts.json"
"""In the data folder: every account and its password."""


def passwords(data: Path, names: Iterable[str]) -> dict[str, str]:
    """The broker passwords of these accounts; missing ones are made."""
    return passwords_for(names, data / ACCOUNTS_FILE)


def made(data: Path, name: str) -> bool:
    """Whether an account has been made here: then a broker of somebody else's was given it too."""
    file = data / ACCOUNTS_FILE
    return file.exists() and name in json.loads(file.read_text("utf-8"))


def give_accounts(broker: Broker, data: Path, devices: Iterable[str]) -> None:
    """Let the house and these devices connect, and nobody else."""
    broker.set_accounts(passwords(data, (*HOUSE, *devices)), ACCESS)


def write_files(data: Path, devices: Iterable[str], passwords_file: Path, access_file: Path) -> int:
    """The same for a Mosquitto of somebody else's, as its `password_file` and `acl_file`; how many accounts.

    Whoever runs this owns the files, and nobody else may read them: Mosquitto must run as the same account.
    """
    everybody = passwords(data, (*HOUSE, *devices))
    _replace(passwords_file, password_lines(everybody))
    _replace(access_file, "".join(f"{line}\n" for line in ACCESS))
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
