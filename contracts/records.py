"""What the field says: the records a device sends, and the small vocabularies in them.

A record is what arrived and is legal in form; whether the device, the metric and the moment are believable is
decided in `ingest`, which knows the city. Units are in the names. Codes of the vocabularies are stored in the log and
never reused: add at the end.
"""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

MAX_RECORDS = 500
"""Records in one message: a minute of a busy gateway; keeps one message from holding up a batch."""
MAX_PLATE_READS = 8
"""Reads of one plate in one pass that are worth keeping."""
MAX_PAYLOAD_BYTES = 262_144
"""Largest JSON message: 500 full records are about 200 kB."""

SPEED_KMH_MAX = 300.0
"""More than three times the island's highest limit of 90 km/h; beyond it a camera has mixed two vehicles."""
CALIBRATION_YEARS = (2000, 2100)
"""When a device in use can be due for calibration."""


class VehicleClass(IntEnum):
    """Vehicle classes as Thai limits tell them apart (Ministerial Regulation on speed, B.E. 2564)."""

    UNKNOWN = 0
    MOTORCYCLE = 1
    CAR = 2
    PICKUP = 3
    VAN = 4
    BUS = 5
    TRUCK = 6
    THREE_WHEEL = 7
    BIG_MOTORCYCLE = 8
    SCHOOL_BUS = 9
    TOWING = 10
    TRACTOR = 11
    BICYCLE = 12


class Direction(IntEnum):
    """Along a road segment's line as the city file draws it, or against it."""

    UNKNOWN = 0
    FORWARD = 1
    BACKWARD = 2


class Colour(IntEnum):
    """Vehicle colour as cameras name it."""

    UNKNOWN = 0
    WHITE = 1
    BLACK = 2
    GREY = 3
    SILVER = 4
    RED = 5
    BLUE = 6
    GREEN = 7
    YELLOW = 8
    ORANGE = 9
    BROWN = 10
    PINK = 11


class Helmet(IntEnum):
    """What the camera saw of helmets on a motorcycle."""

    UNKNOWN = 0
    ALL = 1
    RIDER_BARE = 2
    PASSENGER_BARE = 3
    NONE = 4


class Phase(IntEnum):
    """Phase of a signal group."""

    UNKNOWN = 0
    RED = 1
    AMBER = 2
    GREEN = 3
    FLASHING = 4
    DARK = 5


class StatusEvent(IntEnum):
    """Why a device reports its status. `death` is the MQTT last will."""

    HEALTH = 0
    BIRTH = 1
    DEATH = 2


class ClockSource(IntEnum):
    """Where a device has its time from."""

    UNKNOWN = 0
    GNSS = 1
    NTP = 2
    PTP = 3
    FREE = 4


class TimeQuality(IntEnum):
    """Whose clock the event time is."""

    DEVICE = 0
    RECEIPT = 1


Moment = Annotated[datetime, Meta(tz=True)]
"""A time with an offset: one without is not a moment, and which zone it was meant in is anybody's guess."""
Finite = Annotated[float, Meta(ge=-1e12, le=1e12)]
MAX_LANE = 32
Lane = Annotated[int, Meta(ge=0, le=MAX_LANE)]
Group = Annotated[int, Meta(ge=0, le=64)]
"""A signal group of a junction."""
Name = Annotated[str, Meta(max_length=64)]


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One value of one metric at one moment."""

    metric: Name
    value: Finite
    t: Moment | None = None
    lane: Lane = 0
    unit: Name | None = None


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a camera counted on one lane in one interval that starts at `t`."""

    lane: Lane
    interval_s: Annotated[int, Meta(ge=1, le=3600)]
    counts: dict[Name, Annotated[int, Meta(ge=0, le=100_000)]]
    t: Moment | None = None
    mean_speed_kmh: Finite | None = None
    occupancy: Annotated[float, Meta(ge=0, le=1)] | None = None


class PlateRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One read of a plate in one pass. `province` is an ISO 3166-2 code (`TH-83`) or a Thai province name."""

    text: Annotated[str, Meta(max_length=24)]
    confidence: Annotated[float, Meta(ge=0, le=1)] = 0.0
    province: Annotated[str, Meta(max_length=40)] | None = None


class Passage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"vehicle": "class"}):
    """One vehicle past one camera. Enumerated words are lower-case names of the vocabularies above."""

    t: Moment
    lane: Lane
    vehicle: Name
    direction: Name = "unknown"
    colour: Name = "unknown"
    speed_kmh: Finite | None = None
    dwell_s: Annotated[float, Meta(ge=0, le=86_400)] | None = None
    track: Annotated[str, Meta(max_length=64)] | None = None
    plates: Annotated[list[PlateRead], Meta(max_length=MAX_PLATE_READS)] = []
    helmet: Name = "unknown"
    riders: Annotated[int, Meta(ge=0, le=9)] | None = None
    evidence: Annotated[list[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]], Meta(max_length=6)] = []


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A signal group's phase changed."""

    t: Moment
    group: Group
    phase: Name


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A device about itself. Its last will is a status whose event is `death`, with neither number nor time.

    `lon`, `lat` (degrees): where it believes to stand. Read for the proposal of an unknown device alone: where a known
    one stands is what its entry in the city says.
    """

    event: Name = "health"
    t: Moment | None = None
    battery: Annotated[float, Meta(ge=0, le=1)] | None = None
    firmware: Annotated[str, Meta(max_length=24, pattern=r"^[\x21-\x7e]*$(?!\n)")] | None = None
    clock_offset_ms: Finite | None = None
    clock_source: Name = "unknown"
    lens_score: Annotated[float, Meta(ge=0, le=1)] | None = None
    calibrated_until: Moment | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None


Record = Reading | Counts | Passage | Signal | Status


R = TypeVar("R")


class Message(msgspec.Struct, Generic[R], frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The native envelope: the device's own number (boot and count, both from 1) and its records.

    A device without a number leaves both out; its records are then told apart by device, kind, event time, lane and
    payload hash.
    """

    records: Annotated[list[R], Meta(min_length=1, max_length=MAX_RECORDS)]
    boot: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    seq: Annotated[int, Meta(ge=1, le=2**53)] | None = None
