"""What `andaman doctor` asks: each question one function, each answer says what to do."""

import shutil
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from app import wiring
from app.disk import disk_state
from app.settings import Settings
from contracts.clock import SECOND_US
from contracts.errors import AndamanError, ConfigError
from ingest.connection import Broker as BrokerAddress
from ingest.encrypted import Encrypted
from ingest.socket import connect
from storage.migrate import pending
from storage.standing import Standing

FRESH_S: Final = 10.0
"""A pipeline that runs writes a batch every second."""
DAY_S: Final = 86_400
CERTIFICATE_DAYS: Final = 14
"""Ours is renewed long before; somebody has to look at one that is not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer."""

    what: str
    well: bool
    says: str


def look(settings: Settings, wanted: Sequence[str] = ()) -> list[Finding]:
    """Ask what is wanted, or everything; a question that cannot be answered is an answer too.

    Raises:
        ConfigError: there is no such question.
    """
    for name in wanted:
        if name not in QUESTIONS:
            raise ConfigError("question", name, f"one of {', '.join(QUESTIONS)}", "command line")
    return [_asked(what, question, settings) for what, question in QUESTIONS.items() if not wanted or what in wanted]


def _asked(what: str, question: Callable[[Settings], tuple[bool, str]], settings: Settings) -> Finding:
    try:
        well, says = question(settings)
    except (AndamanError, OSError) as problem:
        return Finding(what, False, str(problem))
    return Finding(what, well, says)


def _city(settings: Settings) -> tuple[bool, str]:
    city = wiring.city_files(settings.cities / settings.city)
    return True, f"{city.id} with {len(city.devices)} devices"


def _disk(settings: Settings) -> tuple[bool, str]:
    settings.data.mkdir(parents=True, exist_ok=True)
    state, free = disk_state(settings.data), shutil.disk_usage(settings.data).free
    advice = "" if state == "ok" else "; make room, retention is brought forward and intake may pause"
    return state == "ok", f"{state}, {free / 1e9:.1f} GB free{advice}"


def _database(settings: Settings) -> tuple[bool, str]:
    missing = pending(wiring.database_dsn(settings, "owner"))
    return not missing, f"migrations missing: {', '.join(missing)}; run `andaman migrate`" if missing else "reachable"


def _broker(settings: Settings) -> tuple[bool, str]:
    address = BrokerAddress.of(wiring.mqtt_url(settings, "andaman-pipeline"), wiring.mqtt_ca(settings))
    with closing(connect(address)) as connected:
        says = f"accepts on {address.host}:{address.port}"
        shown = connected.getpeercert() if isinstance(connected, Encrypted) else None
    if not shown:
        return True, says
    left_days = (ssl.cert_time_to_seconds(str(shown["notAfter"])) - time.time()) / DAY_S
    return left_days > CERTIFICATE_DAYS, f"{says}, its certificate ends in {left_days:.0f} days"


def _pipeline(settings: Settings) -> tuple[bool, str]:
    standing = Standing(wiring.database_dsn(settings, "pipeline"))
    try:
        last_us = standing.last_time_us(settings.pipeline.shard)
    finally:
        standing.close()
    if last_us is None:
        return False, "has never written; start it with `make run` or `andaman pipeline`"
    age_s = (wiring.clock_us() - last_us) / SECOND_US
    return age_s < FRESH_S, f"wrote its last batch {age_s:.1f} s ago"


QUESTIONS: Final = {
    "city files": _city,
    "disk": _disk,
    "database": _database,
    "broker": _broker,
    "pipeline": _pipeline,
}
