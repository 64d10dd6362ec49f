"""The forms that a city takes: TOML files that seed an empty database, and the JSON that the database keeps.

City files (one folder a city) seed an empty database; from then on versioned rows are the truth. This file reads no
file: the caller hands over the bytes.

Files of a folder, each optional but `city.toml`: `city.toml` (identity and `metrics`), `zones.toml` (`zones`,
`police_stations`), `roads.toml` (`segments`, `limits`, `sections`, `no_stopping`), `cameras*.toml` and
`stations*.toml` (`devices`), `rules.toml` and `offences.toml` (`rules`, `maintenance`), `flow.toml` (`pcu_factors`,
`service_levels`), `alarms.toml` (`responses`, `suppressions`). A list may be spread over several files.
`retention.toml` belongs to the retention job.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from contracts.city import City, check
from contracts.errors import ConfigError

LISTS: Final = (
    "metrics",
    "zones",
    "police_stations",
    "segments",
    "limits",
    "sections",
    "no_stopping",
    "maintenance",
    "pcu_factors",
    "service_levels",
    "devices",
    "rules",
    "responses",
    "suppressions",
    "derived",
    "air_indexes",
    "scales",
    "thresholds",
)
NOT_THE_CITY: Final = frozenset({"retention.toml"})
"""Files of the folder that are no part of the versioned city; the job that needs one reads it."""
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The one letter that JSON has a way to write and PostgreSQL's jsonb has not."""


def parse_city(files: Mapping[str, bytes]) -> City:
    """Build a city from its files (name: content) and check it.

    Raises:
        ConfigError: names the file, the key and what is wrong with it.
    """
    merged: dict[str, Any] = {}
    for name in sorted(files.keys() - NOT_THE_CITY):
        try:
            content = tomllib.loads(files[name].decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise ConfigError("file", name, f"not TOML: {problem}", source=name) from problem
        for key, value in content.items():
            if key in LISTS and isinstance(value, list):
                merged.setdefault(key, []).extend(value)
            elif key in merged:
                raise ConfigError(key, value, "given twice; scalars belong into city.toml alone", source=name)
            else:
                merged[key] = value
    try:
        city = msgspec.convert(merged, City)
    except msgspec.ValidationError as problem:
        raise ConfigError("city", "", str(problem), source=", ".join(sorted(files))) from problem
    check(city)
    return city


def encode(city: City) -> bytes:
    """The city as canonical JSON, as the database keeps it.

    Raises:
        ConfigError: it would not be read back as it is. Such a version would stop everybody who reads the newest one,
            and a version is never taken back.
    """
    try:
        content = msgspec.json.encode(city)
        same = msgspec.json.decode(content, type=City) == city
    except (msgspec.DecodeError, UnicodeEncodeError, OverflowError) as problem:
        raise ConfigError("city", city.id, f"would not be read back as it is: {problem}", "city") from problem
    if not same or _NUL.search(content):
        fault = "would not be read back as it is: a number is none or has no end, or a text holds a NUL"
        raise ConfigError("city", city.id, fault, "city")
    return content


def decode(content: bytes | str) -> City:
    """The city of its JSON.

    Raises:
        ConfigError: it is not a city.
    """
    try:
        return msgspec.json.decode(content, type=City)
    except msgspec.DecodeError as problem:
        raise ConfigError("city", "", str(problem), source="database") from problem
