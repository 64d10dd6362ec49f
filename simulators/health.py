"""What devices say about themselves: born when they are switched on, then in good health at intervals."""

from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US
from contracts.columns import FIRMWARE_BYTES, STATUS, Columns
from contracts.records import ClockSource, StatusEvent
from simulators.chance import Draw, Floats, Ints, normal, uniform
from simulators.troubles import Troubles

FIRMWARE: Final = "sim-1.0.0"
CLOCK_SPREAD_MS: Final = 4.0
"""Clocks set by NTP over a mobile network stay within about this."""


def clock_offset_ms(seed: int, device_no: Ints, time_us: Ints) -> Floats:
    """How far a device's clock says it is off: float64 (n,)."""
    return (CLOCK_SPREAD_MS * normal(seed, Draw.HEALTH, 1, device_no, time_us)).round(2)


def lens_score(seed: int, device_no: Ints, time_us: Ints) -> Floats:
    """How clean a camera's glass is, 0..1: falls slowly, is wiped now and then."""
    days = time_us / (86_400 * SECOND_US) + 40.0 * uniform(seed, Draw.HEALTH, 2, device_no)
    return (0.99 - 0.12 * ((days % 40.0) / 40.0)).round(3)


def statuses(
    device_no: Ints,
    is_camera: npt.NDArray[np.bool_],
    seed: int,
    from_us: int,
    to_us: int,
    born_us: int,
    interval_s: int,
    troubles: Troubles | None = None,
) -> Columns:
    """`STATUS` rows of all devices in [from_us, to_us), in order of time; births at `born_us`.

    `troubles`: of the same devices in the same order; a device that notices something says so at once.
    """
    interval_us = interval_s * SECOND_US
    shift = (uniform(seed, Draw.HEALTH, 3, device_no) * interval_s).astype(np.int64) * SECOND_US
    first = -(-(from_us - shift) // interval_us) * interval_us + shift
    times = first[:, None] + np.arange((to_us - from_us) // interval_us + 1, dtype=np.int64)[None, :] * interval_us
    event_us, who = times.ravel(), np.repeat(np.arange(len(device_no)), times.shape[1])
    event_us, who = event_us[event_us < to_us], who[event_us < to_us]
    if from_us <= born_us < to_us:
        births = born_us + (uniform(seed, Draw.HEALTH, 4, device_no) * 5_000).astype(np.int64) * 1_000
        births = np.minimum(births, to_us - 1)
        event_us, who = np.concatenate([births, event_us]), np.concatenate([np.arange(len(device_no)), who])
    born = np.arange(len(event_us)) < (len(device_no) if from_us <= born_us < to_us else 0)
    turning = troubles.turning_points(from_us, to_us) if troubles else []
    if turning:
        event_us = np.concatenate([event_us, np.array([moment for moment, _device in turning], np.int64)])
        who = np.concatenate([who, np.array([device for _moment, device in turning], np.int64)])
        born = np.concatenate([born, np.zeros(len(turning), np.bool_)])
    rows = np.zeros(len(event_us), STATUS)
    rows["device"], rows["event_us"] = device_no[who], event_us
    rows["event"] = np.where(born, int(StatusEvent.BIRTH), int(StatusEvent.HEALTH))
    rows["battery"] = np.nan
    rows["firmware"] = FIRMWARE.encode().ljust(FIRMWARE_BYTES)
    rows["clock_offset_ms"] = clock_offset_ms(seed, device_no[who], event_us)
    rows["clock_source"] = int(ClockSource.NTP)
    rows["lens_score"] = np.where(is_camera[who], lens_score(seed, device_no[who], event_us), np.nan)
    rows["calibrated_until_us"] = -1
    if troubles:
        rows["clock_offset_ms"] += troubles.drifted_ms(who, event_us)
        rows["lens_score"] = troubles.lens(rows["lens_score"], who, event_us)
        rows["calibrated_until_us"] = troubles.calibrated_until_us(who, event_us)
    return rows[np.lexsort((rows["device"], rows["event_us"]))]
