"""What every entry of a city's files is built on, and how entries are held together."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Annotated

import msgspec
from msgspec import Meta

from contracts.errors import ConfigError
from contracts.topics import PART_PATTERN

Slug = Annotated[str, Meta(pattern=rf"^{PART_PATTERN}$(?!\n)")]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Base of everything that a city file lists: unknown keys are errors."""


def check_unique(what: str, keys: Iterable[object]) -> None:
    """Refuse a key that stands twice.

    Raises:
        ConfigError: names it.
    """
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            raise ConfigError(what, key, "stands twice")
        seen.add(key)


def check_known(what: str, references: Iterable[tuple[str, str | None]], known: AbstractSet[str]) -> None:
    """Refuse a reference, given with its owner, to something that is not there.

    Raises:
        ConfigError: names both.
    """
    for owner, reference in references:
        if reference not in known:
            raise ConfigError(what, reference, f"{owner} refers to it, but there is no such entry")
