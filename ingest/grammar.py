"""What a Thai plate looks like: normal form, grammar, and the skeleton that confusable letters share.

Grammar: the Department of Land Transport's series. Spaces, hyphens and dots are layout: `1กข 1234`, `1กข-1234` and
`๑กข๑๒๓๔` are one plate. The letters ฃ ฅ ฤ ฦ stand on no plate.
"""

import re
import unicodedata
from typing import Final

from contracts.records import VehicleClass

CONSONANTS: Final = "กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ"
"""The letters of plates: ก to ฮ without ฃ ฅ ฤ ฦ."""

MAX_PLATE_BYTES: Final = 24
"""UTF-8 length of a plate: with `|` and the longest province code it stays within the 40 bytes that are sealed. A
plain plate has at most 14; auction plates with vowels and tone marks fit. What is longer is no plate."""

_LETTERS: Final = f"[{CONSONANTS}]"
_NUMBER: Final = "[1-9][0-9]{0,3}"
_CAR: Final = re.compile(f"[1-9]?{_LETTERS}{{2}}{_NUMBER}")
_MOTORCYCLE: Final = re.compile(f"[1-9]?{_LETTERS}{{2,3}}{_NUMBER}")
_HEAVY: Final = re.compile(r"[1-9][0-9]{5}")
"""Trucks, buses, vans for hire: NN-NNNN. Every first pair from 10 to 99 names a kind of transport."""

_RIDDEN: Final = frozenset({VehicleClass.MOTORCYCLE, VehicleClass.BIG_MOTORCYCLE})
_CARS: Final = frozenset({VehicleClass.CAR, VehicleClass.PICKUP, VehicleClass.VAN, VehicleClass.THREE_WHEEL})

_CONFUSABLE: Final = (
    "กถภฤ",
    "ขชซฃ",
    "คดตศฅ",
    "บปษ",
    "ผฝพฟฬ",
    "นมฉ",
    "ณญฌ",
    "ฎฏ",
    "ทหฑฒ",
    "ลส",
    "อฮ",
    "รธฐ",
    "0O8Q",
    "1I7L",
    "5S6",
    "2Z",
    "3B",
)
"""Letters that readers take for one another: the same outline but for a loop, a notch or a tail (our choice by shape,
to be checked against read errors of real cameras). The first of a class stands for all."""
_SKELETON: Final = str.maketrans({letter: group[0] for group in _CONFUSABLE for letter in group})


def normalise(text: str) -> str:
    """Letters, marks and ASCII digits alone, in NFC and upper case. Doing it twice changes nothing."""
    kept: list[str] = []
    for letter in unicodedata.normalize("NFC", text):
        category = unicodedata.category(letter)
        if category == "Nd":
            kept.append(str(unicodedata.decimal(letter)))
        elif category[0] in "LM":
            kept.append(letter.upper() if "a" <= letter <= "z" else letter)
    return unicodedata.normalize("NFC", "".join(kept))


def is_plate(text: str, vehicle: VehicleClass = VehicleClass.UNKNOWN) -> bool:
    """Whether a normalised text obeys the grammar of a vehicle of this class (unknown: of any)."""
    if vehicle in _RIDDEN:
        return bool(_MOTORCYCLE.fullmatch(text))
    if vehicle in _CARS:
        return bool(_CAR.fullmatch(text) or _HEAVY.fullmatch(text))
    return bool(_MOTORCYCLE.fullmatch(text) or _HEAVY.fullmatch(text))


def skeleton(text: str) -> str:
    """A normalised text with every letter replaced by the one that stands for its look-alikes."""
    return text.translate(_SKELETON)
