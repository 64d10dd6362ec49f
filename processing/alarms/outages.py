"""What the detector of outages remembers, the city's terms, and how it explains itself."""

import math
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US, TICK_US, to_iso
from contracts.columns import Columns
from contracts.devices import Device
from contracts.findings import Because, Scalar
from contracts.rules import Rule
from processing.alarms.places import LEVELS, LOCAL, Place
from processing.state import Int64s

KIND: Final = "outage"
HOLD_S: Final = 60.0
WITHIN_S: Final = 60.0
MIN_DEVICES: Final = 3.0
SHARE: Final = 0.5
MANY: Final = 10.0
NAMED: Final = 20
"""Devices named in the alarm; the rest is counted."""

HEARD, WAITING, SINGLE, JOINED = 0, 1, 2, 3
"""What a device is to this detector: heard; silent and waiting for others; silent alone; part of an outage."""

STANDING: Final = np.dtype(
    [
        ("mark", "i8"),
        ("onset_us", "i8"),
        ("most", "i8"),
        ("few_us", "i8"),
        ("tell_us", "i8"),
    ]
)
"""An outage: its place's mark; since when; most devices it had; when it is given up for too few, and when it tells
what changed (us, FOR_EVER_US: not)."""


@dataclass(slots=True)
class Outages:
    """The state's part. By device: what it is, noticed at which tick, quiet for so long then, after which event; the
    mark of the place whose outage it is part of."""

    phase: npt.NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    noticed_us: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    quiet_us: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    event_us: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    mark: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    standing: Columns = field(default_factory=lambda: np.empty(0, STANDING))


@dataclass(frozen=True, slots=True)
class Terms:
    """The rule's figures: what is an outage, and how long is waited for it."""

    hold_us: int
    within_us: int
    least: int
    share: float
    many: float

    def needed(self, level: int, size: int) -> int:
        """How many devices of a place of this level and size must be silent together."""
        share = math.ceil(self.share * size)
        return max(self.least, min(share, math.ceil(self.many)) if level < LOCAL else share)


def terms_of(rule: Rule) -> Terms:
    """The figures of a rule, on the grid of ticks."""
    params = rule.params
    return Terms(
        hold_us=-(-round(params.get("hold_s", HOLD_S) * SECOND_US) // TICK_US) * TICK_US,
        within_us=round(params.get("within_s", WITHIN_S) * SECOND_US),
        least=math.ceil(params.get("min_devices", MIN_DEVICES)),
        share=params.get("share", SHARE),
        many=params.get("many", MANY),
    )


def because_of(place: Place, size: int, needed: int, silent: list[Device], row: Columns, law: str) -> Because:
    """Why a place has an outage: these devices of its `size` are silent, of `needed`."""
    count = len(silent)
    inputs: dict[str, Scalar] = {
        "place_kind": LEVELS[place.level],
        "place": place.id,
        "place_name_en": place.name_en,
        "place_name_th": place.name_th,
        "devices": ", ".join(device.id for device in silent[:NAMED]),
        "more_devices": max(0, count - NAMED),
        "silent_devices": count,
        "most_silent_devices": max(int(row["most"]), count),
        "devices_of_place": size,
        "since": to_iso(int(row["onset_us"])),
    }
    return Because(
        measured=float(count),
        limit=float(needed),
        threshold=float(needed),
        margin=float(count - needed),
        unit="devices",
        needed=f"fewer than {needed} of its {size} devices silent at once",
        source=law,
        inputs=inputs,
    )


def part_of(because: Because, place: str) -> Because:
    """Why something ended that goes on as part of an outage."""
    return msgspec.structs.replace(
        because, needed="nothing: it is part of an outage", inputs={**because.inputs, "part_of": place}
    )
