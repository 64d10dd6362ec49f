"""What devices say, one example or more a kind: legal, believable, and of devices that the city of Phuket has."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from contracts.clock import THAI_OFFSET_US
from contracts.records import Counts, Passage, PlateRead, Reading, Record, Signal, Status
from contracts.topics import Kind
from contracts.wire import Mark

NUMBER: Final = (3, 17)
"""Boot and seq of the examples."""
MARK: Final = Mark(*NUMBER)
_THAI: Final = timezone(timedelta(microseconds=THAI_OFFSET_US))
AT: Final = datetime(2026, 11, 22, 10, 0, tzinfo=_THAI)

EXAMPLES: Final[Mapping[Kind, Sequence[Sequence[Record]]]] = {
    Kind.COUNTS: (
        (
            Counts(
                lane=1,
                interval_s=60,
                counts={"motorcycle": 14, "car": 7, "pickup": 3, "truck": 0},
                t=AT.replace(hour=9, minute=59),
                mean_speed_kmh=61.5,
                occupancy=0.12,
            ),
        ),
    ),
    Kind.PASSAGE: (
        (
            Passage(
                t=AT.replace(microsecond=250_000),
                lane=1,
                vehicle="pickup",
                direction="forward",
                colour="white",
                speed_kmh=74.2,
                dwell_s=0.8,
                track="a81f",
                plates=[PlateRead("1กข 1234", 0.97, "ภูเก็ต"), PlateRead("1กข1234", 0.91, "TH-83")],
            ),
        ),
        (Passage(t=AT, lane=1, vehicle="motorcycle", helmet="rider_bare", riders=2),),
    ),
    Kind.READINGS: (
        (Reading("pm2_5", 12.5, AT, unit="ug/m3"), Reading("temperature", 29.4, AT)),
        (Reading("pm2_5", 12.5),),
    ),
    Kind.SIGNAL: ((Signal(AT, 2, "red"),),),
    Kind.STATUS: (
        (
            Status(
                event="birth",
                t=AT,
                battery=0.87,
                firmware="2.4.1",
                clock_offset_ms=-3.5,
                clock_source="ntp",
                lens_score=0.98,
                calibrated_until=datetime(2027, 3, 1, tzinfo=_THAI),
            ),
        ),
        (Status(event="death"),),
    ),
}
"""Records of one message each; the last of `status` is a last will."""
