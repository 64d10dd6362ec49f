"""Topic layout, built and parsed: `andaman/v1/{city}/{zone}/{device}/{kind}`.

A topic that exists is legal: every part is a slug, so no wildcard, slash or control character can travel in one.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.errors import MessageRejected

PREFIX: Final = "andaman"
VERSION: Final = "v1"
MAX_PART: Final = 64
"""Longest part of a topic: a device name is also a column, a label and a file name somewhere."""

PART_PATTERN: Final = rf"[a-z0-9][a-z0-9._~-]{{0,{MAX_PART - 1}}}"
_SLUG: Final = re.compile(PART_PATTERN)
_SHOWN: Final = re.compile(r"[A-Za-z0-9/._~-]{0,200}")
"""What an explanation quotes: a slip of the pen, and nothing that a payload is made of."""


class Kind(StrEnum):
    """What a topic carries. `mark` goes the other way: our highest contiguous number, back to its device."""

    COUNTS = "counts"
    PASSAGE = "passage"
    READINGS = "readings"
    SIGNAL = "signal"
    STATUS = "status"
    EVIDENCE = "evidence"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of one device."""

    city: str
    zone: str
    device: str
    kind: Kind

    def __post_init__(self) -> None:
        for part in (self.city, self.zone, self.device):
            if not _SLUG.fullmatch(part):
                raise MessageRejected("topic", f"{_shown(part)} is not a lower-case slug of at most 64 characters")

    def __str__(self) -> str:
        return f"{PREFIX}/{VERSION}/{self.city}/{self.zone}/{self.device}/{self.kind}"


def is_part(text: str) -> bool:
    """Whether a name may stand in a topic."""
    return _SLUG.fullmatch(text) is not None


def parse(text: str) -> Topic:
    """Parse a topic.

    Raises:
        MessageRejected: `topic`, when it is not of the layout above.
    """
    parts = text.split("/")
    if len(parts) != 6 or parts[0] != PREFIX or parts[1] != VERSION:
        raise MessageRejected("topic", f"{_shown(text)} is not {PREFIX}/{VERSION}/city/zone/device/kind")
    try:
        kind = Kind(parts[5])
    except ValueError:
        raise MessageRejected("topic", f"{_shown(parts[5])} is no kind; one of {', '.join(Kind)}") from None
    return Topic(parts[2], parts[3], parts[4], kind)


def _shown(text: str) -> str:
    """The text in quotes, or that it is not shown: a broken frame can take a payload for a topic, plate and all."""
    return repr(text) if _SHOWN.fullmatch(text) else "what holds other letters than a topic of ours, or too many,"


def subscription(city: str, zone: str = "+") -> str:
    """The filter of a pipeline: everything that devices of a city (or of one zone) say. Marks match too; drop them."""
    return f"{PREFIX}/{VERSION}/{city}/{zone}/+/+"
