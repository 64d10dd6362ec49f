"""Where the set-up put a program."""

from pathlib import Path

from app.setup.programs import known_programs
from contracts.errors import ConfigError


def program(name: str) -> Path:
    """The program `name` (postgres, mosquitto, chromium); ConfigError before the set-up."""
    try:
        return Path(known_programs()[name])
    except KeyError:
        raise ConfigError(name, None, "is not there yet: run `make setup`", "set-up") from None
