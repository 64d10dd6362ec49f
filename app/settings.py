"""All settings, read in one place: defaults < `config.toml` < environment. Unknown keys are errors.

A setting `key` of table `[table]` is `ANDAMAN_TABLE_KEY` in the environment; one above all tables is `ANDAMAN_KEY`.
`config.example.toml` holds every option at its default, with its reason; a test compares it with this file.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec

from app.setup.places import PROJECT, state_folder
from contracts.errors import ConfigError
from ingest.connection import IntakeSettings
from ingest.decode import IntakeLimits

PREFIX: Final = "ANDAMAN_"
CONFIG_FILE: Final = "config.toml"
NOT_SETTINGS: Final = ("ANDAMAN_TEST_", "ANDAMAN_CACHE", "ANDAMAN_STATE", "ANDAMAN_CONFIG")
"""Names of the set-up's and the tests' own; `ANDAMAN_CONFIG` names the file itself."""
SECRET: Final = ("database_url", "mqtt_url")
"""Never shown: they hold passwords."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where the API and the page are served."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: 8000 unless taken, then the next that is free."""
    secure: bool = False
    """True behind HTTPS: the session cookie then travels over nothing else."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigError("http.port", self.port, "must be 0 to 65535")


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """How batches are cut. None of it changes a finding; all of it is latency against work."""

    shard: int = 0
    batch_messages: int = 4_096
    """Messages in one batch at most: bounds memory and the time to commit."""
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
        for name in ("batch_messages", "commits_ahead", "snapshot_s", "snapshot_work_s", "mark_s", "pause_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"pipeline.{name}", getattr(self, name), "must be above 0")
        if self.linger_ms < 0:
            raise ConfigError("pipeline.linger_ms", self.linger_ms, "must not be negative")


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """The simulated city."""

    seed: int = 2566
    """Same seed, same city, same truth."""
    past_days: float = 8.0
    """How much of a past the first start makes: a week and a day, so that every weekday has been seen."""
    past_passages_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    city: str = "phuket"
    cities_dir: Path = Path("cities")
    data_dir: Path = Path("")
    """Database, broker, keys, logs and truth; one running city a folder. Empty: `city` in the folder that the services
    can reach, `var/` in the project as a rule."""
    database_url: str = ""
    """A TimescaleDB that exists already; empty: the embedded one."""
    mqtt_url: str = ""
    """A broker that exists already; empty: the embedded one."""
    log_level: str = "INFO"
    http: HttpSettings = field(default_factory=HttpSettings)
    intake: IntakeSettings = field(default_factory=IntakeSettings)
    limits: IntakeLimits = field(default_factory=IntakeLimits)
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    simulator: SimulatorSettings = field(default_factory=SimulatorSettings)

    def __post_init__(self) -> None:
        if self.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ConfigError("log_level", self.log_level, "one of DEBUG, INFO, WARNING, ERROR")

    @property
    def data(self) -> Path:
        """The data folder, absolute. A relative path counts from the project, not from where one stands."""
        return state_folder() / "city" if self.data_dir == Path("") else PROJECT / self.data_dir

    @property
    def cities(self) -> Path:
        """The folder of all cities' files, absolute."""
        return PROJECT / self.cities_dir


def load(environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: names key, value and where it was set.
    """
    named = Path(environment["ANDAMAN_CONFIG"]) if "ANDAMAN_CONFIG" in environment else file
    values = _from_file(named or PROJECT / CONFIG_FILE, must_exist=named is not None)
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and not name.startswith(NOT_SETTINGS):
            _put(values, name, value)
    try:
        built: Settings = _build(Settings, values)
        return built
    except msgspec.ValidationError as problem:
        raise ConfigError("settings", "", str(problem)) from problem


def environment_name(table: str, key: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + "_".join(part for part in (table, key) if part).upper()


def tables() -> dict[str, type]:
    """The tables of the file and what they hold; the one above all others has the empty name."""
    hints = get_type_hints(Settings)
    nested = {entry.name: hints[entry.name] for entry in fields(Settings) if is_dataclass(hints[entry.name])}
    return {"": Settings, **nested}


def _from_file(file: Path, must_exist: bool) -> dict[str, Any]:
    try:
        content = tomllib.loads(file.read_text())
    except FileNotFoundError:
        if must_exist:
            raise ConfigError("config", str(file), "there is no such file") from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError("config", str(file), f"not TOML: {problem}", source=str(file)) from problem
    known = tables()
    for key, value in content.items():
        inside = known.get(key) if key else None
        if isinstance(value, dict) and inside is not None:
            for name in value:
                _require(inside, name, f"{key}.{name}", value[name], str(file))
        else:
            _require(Settings, key, key, value, str(file))
    return content


def _require(holder: type, name: str, key: str, value: object, source: str) -> None:
    names = {entry.name for entry in fields(holder)}
    if name not in names:
        raise ConfigError(key, value, f"unknown; one of {', '.join(sorted(names))}", source)


def _put(values: dict[str, Any], name: str, value: str) -> None:
    """Set the value of one environment variable."""
    for table, holder in tables().items():
        for entry in fields(holder):
            if environment_name(table, entry.name) == name and entry.name not in tables():
                (values.setdefault(table, {}) if table else values)[entry.name] = value
                return
    raise ConfigError(name, value, "unknown setting; `andaman check-config` lists all", source="environment")


def _build(holder: type, values: Mapping[str, Any]) -> Any:
    """A settings dataclass of plain values; its own checks run as it is made."""
    hints = get_type_hints(holder)
    ready = {
        name: _build(hints[name], value) if is_dataclass(hints[name]) else _value(hints[name], value, name)
        for name, value in values.items()
    }
    return holder(**ready)


def _value(kind: Any, value: Any, name: str) -> Any:
    if kind is Path:
        return Path(str(value)).expanduser()
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as problem:
        raise ConfigError(name, "..." if name in SECRET else value, str(problem)) from problem
