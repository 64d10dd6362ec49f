"""All settings, read in one place: defaults < `config.toml` < environment. Unknown keys are errors.

A setting `key` of table `[table]` is `ANDAMAN_TABLE_KEY` in the environment; one above all tables is `ANDAMAN_KEY`.
`config.example.toml` holds every option at its default, with its reason; a test compares it with this file.
"""

import math
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_type_hints

import msgspec

from app.services.listeners import BrokerSettings
from app.setup.places import PROJECT, state_folder
from contracts.errors import ConfigError
from ingest.connection import Broker, IntakeSettings
from ingest.decode import IntakeLimits

PREFIX: Final = "ANDAMAN_"
CONFIG_FILE: Final = "config.toml"
FILE_VARIABLE: Final = "ANDAMAN_CONFIG"
"""Names the file itself."""
TESTS_PREFIX: Final = "ANDAMAN_TEST_"
"""Names of the tests' own: no settings of the product."""
SECRET: Final = ("database_url", "mqtt_url")
"""Never shown: they hold passwords."""
_DATABASE_ADDRESS: Final = re.compile(r"postgres(ql)?://|\w+\s*=")
"""An address, or libpq's `host=... user=...`."""
_LIKE_A_SECRET: Final = re.compile(r"://|password|secret|token|key|pass", re.IGNORECASE)
_WORDS: Final = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path as text"}


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where the API and the page are served."""

    host: str = "127.0.0.1"
    """Loopback: whoever opens it to a network puts HTTPS before it first."""
    port: int = 0
    """0: 8000 unless taken, then the next that is free."""
    secure: bool = False
    """True behind HTTPS: the session cookie then travels over nothing else."""
    proxy: str = ""
    """The proxy before us, an address or a network, whose word on who asks is believed; empty: nobody's. Without it all
    people behind a proxy are one address, and one of them who guesses passwords keeps the others from signing in."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigError("http.port", self.port, "must be 0 to 65535")
        if self.proxy:
            try:
                ip_network(self.proxy)
            except ValueError:
                problem = "must be an address or a network, such as 10.0.0.7 or 172.16.0.0/12"
                raise ConfigError("http.proxy", self.proxy, problem) from None


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """How batches are cut. None of it changes a finding; all of it is latency against work."""

    shard: int = 0
    """Which part of the city this pipeline owns; one process owns all of it today, and the made past is shard 1."""
    space: Literal["live", "simulated", "replay"] = "live"
    """What the devices are: a shard is of one space for good, so that simulated findings never mix with real ones."""
    batch_messages: int = 16_384
    """Messages in one batch at most: bounds memory and the time to commit. What a batch costs however small it is, then
    is a tenth of what its messages cost."""
    linger_ms: int = 20
    """After a first message, wait so long for more: a fifth of what a person notices, and far fewer commits."""
    commits_ahead: int = 2
    """Batches folded but not yet committed: one being written, one ready."""
    snapshot_s: float = 30.0
    """At most so much engine time lies between snapshots; recovery folds what came since."""
    snapshot_work_s: float = 5.0
    """A snapshot is due after so much folding, too: recovery stays below ten seconds of work."""
    mark_s: float = 0.5
    """A device is told its mark at most that often."""
    pause_s: float = 3.0
    """A loop that stood still for so long did not listen: it is a gap."""

    def __post_init__(self) -> None:
        for name in ("shard", "linger_ms"):
            if getattr(self, name) < 0:
                raise ConfigError(f"pipeline.{name}", getattr(self, name), "must not be negative")
        for name in ("batch_messages", "commits_ahead", "snapshot_s", "snapshot_work_s", "mark_s", "pause_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"pipeline.{name}", getattr(self, name), "must be above 0")


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """The simulated city."""

    seed: int = 2566
    """Same seed, same city, same truth."""
    past_days: float = 8.0
    """How much of a past the first start makes: a week and a day, so that every weekday has been seen."""
    past_passages_hours: float = 24.0
    """The last hours of that past also have every single passage: a day of it shows both rush hours."""
    faults: bool = True
    """Whether instruments, devices, streets and weather misbehave now and then; offences happen either way."""

    def __post_init__(self) -> None:
        if self.past_days <= 0:
            raise ConfigError("simulator.past_days", self.past_days, "must be above 0; --no-history makes no past")
        if self.past_passages_hours < 0:
            raise ConfigError("simulator.past_passages_hours", self.past_passages_hours, "must not be negative")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    city: str = "phuket"
    """Which city: a folder of `cities_dir`, and a part of every MQTT topic."""
    cities_dir: Path = Path("cities")
    """Where the cities' files lie; a relative path counts from the project."""
    data_dir: Path = Path("")
    """Database, broker, keys, logs and truth; one running city a folder. Empty: `city` in the folder that the services
    can reach, `var/` in the project as a rule."""
    database_url: str = ""
    """A TimescaleDB that exists already, with the role of this process (`deploy/`); empty: the embedded one."""
    mqtt_url: str = ""
    """A broker that exists already. Without an account in it, the one that `andaman broker-accounts` made for each part
    of the house is used, if any. Empty: the embedded broker."""
    mqtt_ca: Path = Path("")
    """What the certificate of `mqtt_url` must follow from, in PEM; empty: what the system trusts."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR; INFO tells what an operator of the machine wants to read the next morning."""
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    intake: IntakeSettings = field(default_factory=IntakeSettings)
    limits: IntakeLimits = field(default_factory=IntakeLimits)
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    simulator: SimulatorSettings = field(default_factory=SimulatorSettings)

    def __post_init__(self) -> None:
        if self.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ConfigError("log_level", self.log_level, "must be DEBUG, INFO, WARNING or ERROR")
        if self.database_url and not _DATABASE_ADDRESS.match(self.database_url):
            raise ConfigError("database_url", "...", "write it as postgresql://user:password@host:5432/andaman")
        if self.mqtt_url:
            broker = Broker.of(self.mqtt_url)
            if not broker.tls and not _is_this_machine(broker.host):
                problem = "passwords and plates never cross a network in clear: write mqtts://, and mqtt_ca for its CA"
                raise ConfigError("mqtt_url", f"mqtt://{broker.host}", problem)

    @property
    def data(self) -> Path:
        """The data folder, absolute. A relative path counts from the project, not from where one stands."""
        return state_folder() / "city" if self.data_dir == Path("") else PROJECT / self.data_dir

    @property
    def cities(self) -> Path:
        """The folder of all cities' files, absolute."""
        return PROJECT / self.cities_dir


@dataclass(frozen=True, slots=True)
class _Given:
    """One value as somebody wrote it. A file has types, the environment has text alone."""

    value: object
    source: str
    key: str
    typed: bool


_Key = tuple[str, str]
"""Table and key; the table is empty above all tables."""


def load(environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: names key, value, where it was set, and what can be set there.
    """
    if FILE_VARIABLE in environment:
        file, named_by = Path(environment[FILE_VARIABLE]).expanduser(), "environment"
    else:
        named_by = "settings"
    given = _from_file(file or PROJECT / CONFIG_FILE, named_by if file else None)
    given |= _from_environment(environment)
    values: dict[str, dict[str, Any]] = {table: {} for table in tables()}
    for (table, key), one in given.items():
        values[table][key] = _converted(get_type_hints(tables()[table])[key], key, one)
    try:
        inside = {table: holder(**values[table]) for table, holder in tables().items() if table}
        return Settings(**values[""], **inside)
    except ConfigError as problem:
        table, _, key = problem.key.rpartition(".")
        one = given.get((table, key), _Given(None, problem.source, problem.key, True))
        raise ConfigError(one.key, problem.value, problem.problem, one.source) from problem


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def environment_name(table: str, key: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + "_".join(part for part in (table, key) if part).upper()


def tables() -> dict[str, type]:
    """The tables of the file and what they hold; the one above all others has the empty name."""
    hints = get_type_hints(Settings)
    nested = {entry.name: hints[entry.name] for entry in fields(Settings) if is_dataclass(hints[entry.name])}
    return {"": Settings, **nested}


def keys(table: str) -> tuple[str, ...]:
    """The settings of a table, in the order of the example."""
    return tuple(entry.name for entry in fields(tables()[table]) if entry.name not in tables())


def _from_file(file: Path, named_by: str | None) -> dict[_Key, _Given]:
    """The file's values; one that nobody named need not be there."""
    source = str(file)
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if named_by is None:
            return {}
        raise ConfigError(FILE_VARIABLE, source, "there is no such file", named_by) from None
    except OSError as problem:
        raise ConfigError(FILE_VARIABLE, source, f"cannot be read: {problem.strerror}", named_by or source) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(FILE_VARIABLE, source, f"is not TOML: {problem}", source) from problem
    given: dict[_Key, _Given] = {}
    for name, value in content.items():
        if name in keys(""):
            given["", name] = _Given(value, source, name, typed=True)
        elif name in tables() and isinstance(value, dict):
            for key, inside in value.items():
                if key not in keys(name):
                    raise _unknown(f"{name}.{key}", inside, source, [f"{name}.{known}" for known in keys(name)])
                given[name, key] = _Given(inside, source, f"{name}.{key}", typed=True)
        elif name in tables() and name:
            raise ConfigError(name, value, f"is a table: write [{name}] and its settings below", source)
        else:
            known = [*keys(""), *(f"[{table}]" for table in tables() if table)]
            raise _unknown(f"[{name}]" if isinstance(value, dict) else name, value, source, known)
    return given


def _from_environment(environment: Mapping[str, str]) -> dict[_Key, _Given]:
    known = {environment_name(table, key): (table, key) for table in tables() for key in keys(table)}
    given: dict[_Key, _Given] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and name != FILE_VARIABLE and not name.startswith(TESTS_PREFIX):
            if name not in known:
                raise _unknown(name, value, "environment", [*known, FILE_VARIABLE])
            given[known[name]] = _Given(value, "environment", name, typed=False)
    return given


def _unknown(key: str, value: object, source: str, known: Iterable[str]) -> ConfigError:
    """A name that is no setting. Its value may be a secret under a misspelt name, and then is not shown."""
    shown = "..." if isinstance(value, dict) or _LIKE_A_SECRET.search(f"{key} {value}") else value
    names = list(known)
    near = get_close_matches(key, names, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return ConfigError(key, shown, f"is no setting; {meant}There are {', '.join(names)}", source)


def _converted(kind: Any, name: str, one: _Given) -> object:
    try:
        if kind is Path:
            return Path(msgspec.convert(one.value, str)).expanduser()
        value = msgspec.convert(one.value, kind, strict=one.typed)
    except msgspec.ValidationError:
        value = None
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise ConfigError(one.key, "..." if name in SECRET else one.value, f"must be {_words(kind)}", one.source)
    return value


def _words(kind: Any) -> str:
    """What a value of this kind is, in words."""
    return _WORDS[kind] if kind in _WORDS else " or ".join(get_args(kind))
