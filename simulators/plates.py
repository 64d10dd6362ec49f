"""Thai plates for the simulated vehicles, and how a reader misreads them.

Grammar after the Department of Land Transport: a digit or none, two consonants, 1 to 4 digits for cars, pickups, vans
and motorcycles, by series of first letters; NN-NNNN for buses and trucks, the first pair naming the kind of transport.
Which vehicle has which plate is arithmetic on its number: no two share one.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.records import VehicleClass
from simulators.chance import Draw, Ints, mix, uniform
from simulators.classes import CLASSES

CONSONANTS: Final = "กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ"
"""ก to ฮ without ฃ ฅ ฤ ฦ, which stand on no plate."""
_FIRST: Final = {
    VehicleClass.MOTORCYCLE: CONSONANTS,
    VehicleClass.CAR: "กขงจฉธฐพภวษศสชฌฎญฆ",
    VehicleClass.PICKUP: "ฒณตถบปผยรล",
    VehicleClass.VAN: "นฬอฮ",
    VehicleClass.THREE_WHEEL: "ฟ",
}
"""First letters by class (secondary sources; that of three-wheelers is our choice: they are small taxis)."""
_SECOND_RIDDEN: Final = CONSONANTS[1::2]
_SECOND_DRIVEN: Final = CONSONANTS[0::2]
"""Real motorcycles and cars may share a text; here the second letter keeps them apart: a plate is one vehicle."""
_HEAVY_FIRST: Final = {
    VehicleClass.BUS: tuple(range(30, 36)),
    VehicleClass.TRUCK: (*range(50, 60), *range(60, 80), *range(80, 100)),
}
"""30-35 charter buses; 50-59 and 80-99 private, 60-79 hired trucks."""
_LARGEST_NUMBER: Final = 9_999
_STRIDE: Final = 15_485_863
"""A prime that divides none of the plate spaces: multiplying by it shuffles a space without a collision."""

PROVINCES: Final = ("TH-83", "TH-10", "TH-84", "TH-80", "TH-82", "TH-81", "TH-90", "TH-92")
_PROVINCE_UP_TO: Final = np.cumsum([0.72, 0.09, 0.04, 0.04, 0.04, 0.03, 0.02])
"""Our estimate: most are from Phuket; then Bangkok, Surat Thani, Nakhon Si Thammarat, Phang Nga, Krabi, Songkhla."""
PROVINCE_NAMES: Final = {
    "TH-83": "ภูเก็ต",
    "TH-10": "กรุงเทพมหานคร",
    "TH-84": "สุราษฎร์ธานี",
    "TH-80": "นครศรีธรรมราช",
    "TH-82": "พังงา",
    "TH-81": "กระบี่",
    "TH-90": "สงขลา",
    "TH-92": "ตรัง",
}
"""What readers print that do not know ISO codes."""


class ReadState(IntEnum):
    """What a reader made of a plate that it saw, and the truth knows; `NONE`: there was none to see."""

    NONE = 0
    RIGHT = 1
    UNREAD = 2
    MISREAD = 3
    MISREAD_SURE = 4
    NO_PROVINCE = 5


@dataclass(frozen=True, slots=True)
class Reader:
    """How well plates are read; shares of what is seen.

    `unread`: dirty, hidden or out of the picture. `misread`: with one wrong letter or digit and no great confidence,
    as good readers are sold; `misread_sure`: the same with all of it. `no_province`: it is printed small, and the first
    thing that is not read. `in_dirt`: left unread in addition while the glass is dirty.
    """

    unread: float = 0.03
    misread: float = 0.0195
    misread_sure: float = 0.0005
    no_province: float = 0.04
    in_dirt: float = 0.3


ORDINARY: Final = Reader()
PERFECT: Final = Reader(0.0, 0.0, 0.0, 0.0, 0.0)
UNSURE: Final = 0.3
"""What a misread loses of its confidence, mostly; a read without a province loses a third of it."""
_CONFUSED: Final = {
    one: other
    for group in ("กถภ", "ขชซ", "คดต", "ผฝพฟ", "บป", "ฎฏ", "ณญ", "นม", "ลส", "อฮ", "ทห", "08", "17", "56", "23")
    for one, other in zip(group, group[1:] + group[0], strict=True)
}
"""Letter and what it is taken for: shapes that differ in a loop or a tail."""

_HEADS: Final = {
    vehicle: tuple(
        digit + first + second
        for digit in ("", *"123456789")
        for first in letters
        for second in (_SECOND_RIDDEN if vehicle == VehicleClass.MOTORCYCLE else _SECOND_DRIVEN)
    )
    for vehicle, letters in _FIRST.items()
} | {vehicle: tuple(f"{pair}-" for pair in pairs) for vehicle, pairs in _HEAVY_FIRST.items()}
_NUMBERS: Final = tuple(str(number) for number in range(_LARGEST_NUMBER + 1))
_FOUR_DIGITS: Final = tuple(f"{number:04d}" for number in range(_LARGEST_NUMBER + 1))

Mask = npt.NDArray[np.bool_]
Read = tuple[str, str | None, float]
"""Text, province as an ISO 3166-2 code or None, confidence."""


def plate_texts(vehicle: Ints, seed: int) -> list[str]:
    """The true plate of each vehicle number: a pure function of number and seed."""
    kinds, numbers = vehicle >> 40, vehicle & ((1 << 40) - 1)
    texts = np.empty(len(vehicle), object)
    for index in np.unique(kinds):
        chosen = np.flatnonzero(kinds == index)
        word = CLASSES[index]
        heads, heavy = _HEADS[word], word in _HEAVY_FIRST
        per_head = _LARGEST_NUMBER + 1 if heavy else _LARGEST_NUMBER
        space = len(heads) * per_head
        first = int(mix(seed, Draw.PLATE, int(index))[0] % np.uint64(space))
        place = (numbers[chosen] * _STRIDE + first) % space
        head, tail = np.divmod(place, per_head)
        tails = _FOUR_DIGITS if heavy else _NUMBERS
        tail = tail if heavy else tail + 1
        texts[chosen] = [heads[h] + tails[t] for h, t in zip(head.tolist(), tail.tolist(), strict=True)]
    plain: list[str] = texts.tolist()
    return plain


def provinces(vehicle: Ints, seed: int) -> list[str]:
    """The province on the plate of each vehicle number."""
    chance = uniform(seed, Draw.PROVINCE, vehicle)
    return [PROVINCES[place] for place in np.searchsorted(_PROVINCE_UP_TO, chance, side="right").tolist()]


def read_states(vehicle: Ints, moment: Ints, seed: int, reader: Reader, sure: Mask, dirty: Mask) -> Ints:
    """What becomes of the plates of vehicles at moments: `ReadState` codes, int64 (n,).

    Args:
        sure: those that are read in any case, rightly or not, bool (n,). `dirty`: those behind dirty glass.
    """
    chance = uniform(seed, Draw.READER, vehicle, moment)
    unread = np.where(sure, 0.0, reader.unread + np.where(dirty, reader.in_dirt, 0.0))
    misread_up_to = unread + reader.misread
    sure_up_to = misread_up_to + reader.misread_sure
    states = np.full(len(vehicle), int(ReadState.RIGHT), np.int64)
    states[chance < sure_up_to + reader.no_province] = ReadState.NO_PROVINCE
    states[chance < sure_up_to] = ReadState.MISREAD_SURE
    states[chance < misread_up_to] = ReadState.MISREAD
    states[chance < unread] = ReadState.UNREAD
    return states


def read_plates(vehicle: Ints, moment: Ints, seed: int, states: Ints | None = None) -> list[Read | None]:
    """What a reader says of the plates of vehicles at moments (int64 (n,) each): None where it reads nothing.

    `states`: of `read_states`; without them those of an ordinary reader.
    """
    if states is None:
        nobody = np.zeros(len(vehicle), np.bool_)
        states = read_states(vehicle, moment, seed, ORDINARY, nobody, nobody)
    clarity = uniform(seed, Draw.SEEN, vehicle, moment)
    confidences = np.round(0.86 + 0.135 * clarity, 3).tolist()
    texts, homes = plate_texts(vehicle, seed), provinces(vehicle, seed)
    reads: list[Read | None] = list(zip(texts, homes, confidences, strict=True))
    for place in np.flatnonzero(states == int(ReadState.UNREAD)).tolist():
        reads[place] = None
    for place in np.flatnonzero(states == int(ReadState.NO_PROVINCE)).tolist():
        reads[place] = (texts[place], None, confidences[place] - UNSURE / 3)
    for state, lost in ((ReadState.MISREAD, UNSURE), (ReadState.MISREAD_SURE, 0.0)):
        for place in np.flatnonzero(states == int(state)).tolist():
            wrong = misread(texts[place], float(clarity[place]))
            reads[place] = (wrong, homes[place], confidences[place] - lost)
    return reads


def misread(text: str, chance: float) -> str:
    """The text with one sign taken for one of the same shape; `chance` in [0, 1) says which."""
    places = [place for place, sign in enumerate(text) if sign in _CONFUSED]
    if not places:
        return text
    place = places[int(chance * len(places))]
    return text[:place] + _CONFUSED[text[place]] + text[place + 1 :]
