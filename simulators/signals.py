"""Traffic signals: fixed-time plans on an absolute grid of time, so that a phase is a pure function of the moment.

The groups of a junction get green one after another; amber and all-red follow each. A vehicle that comes on red waits
for green, and so passages and phases agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.clock import SECOND_US
from contracts.columns import Columns
from contracts.devices import Device
from contracts.records import Phase
from contracts.topics import Kind
from simulators.chance import Draw, Ints, mix

AMBER_S: Final = 3
"""Length of amber: the usual 3 s at town speeds."""
ALL_RED_S: Final = 2
"""Everybody has red between two greens, for those who are still inside."""
CYCLES_S: Final = (90, 100, 120, 140)
"""Lengths of a cycle; a junction keeps one."""
LEAST_SLOTS: Final = 2
"""A signal with one known group gives green to a side road that nobody watches."""

CHANGE: Final = np.dtype(
    [("event_us", "i8"), ("device_index", "i8"), ("device", "i4"), ("group", "i2"), ("phase", "i2")]
)
"""A phase change that a device reports; `device_index` counts the devices with signals."""


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """Plans of all (junction, group) pairs, in arrays of one length; microseconds.

    A group is green at `green_us` into each cycle of `cycle_us`, for `length_us`; cycles are counted from `origin_us`.
    """

    index: dict[tuple[str, int], int]
    cycle_us: Ints
    origin_us: Ints
    green_us: Ints
    length_us: Ints


def make_plans(devices: Iterable[Device], seed: int) -> Plans:
    """A plan for each signal group that the city's cameras stand at."""
    groups: dict[str, set[int]] = {}
    for device in devices:
        if device.junction and device.signal_groups:
            groups.setdefault(device.junction, set()).update(device.signal_groups)
    index: dict[tuple[str, int], int] = {}
    rows: list[tuple[int, int, int, int]] = []
    for number, junction in enumerate(sorted(groups)):
        chance = int(mix(seed, Draw.SIGNAL, number)[0])
        cycle_s = CYCLES_S[chance % len(CYCLES_S)]
        slots = max(LEAST_SLOTS, len(groups[junction]))
        for place, group in enumerate(sorted(groups[junction])):
            start_s = cycle_s * place // slots
            green_s = cycle_s // slots - AMBER_S - ALL_RED_S
            index[junction, group] = len(rows)
            rows.append((cycle_s, (chance >> 8) % cycle_s, start_s, green_s))
    table = np.array(rows, np.int64).reshape(len(rows), 4) * SECOND_US
    return Plans(index, table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy(), table[:, 3].copy())


def since_green_us(plans: Plans, plan: Ints, time_us: Ints) -> Ints:
    """How long ago green began, microseconds, 0 .. cycle: int64 (n,) for plans and moments of (n,)."""
    since: Ints = (time_us - plans.origin_us[plan] - plans.green_us[plan]) % plans.cycle_us[plan]
    return since


def red_for_us(plans: Plans, plan: Ints, since_us: Ints) -> Ints:
    """How long it has been red, microseconds; negative while green or amber."""
    red: Ints = since_us - plans.length_us[plan] - AMBER_S * SECOND_US
    return red


def changes(devices: Iterable[Device], plans: Plans, from_us: int, to_us: int) -> Columns:
    """Every phase change in [from_us, to_us) that the devices report, in order of time: `CHANGE` rows."""
    found = []
    for number, device in enumerate(d for d in devices if Kind.SIGNAL in d.kinds and d.junction):
        for group in device.signal_groups:
            plan = plans.index[device.junction or "", group]
            cycle, start = int(plans.cycle_us[plan]), int(plans.origin_us[plan] + plans.green_us[plan])
            green = int(plans.length_us[plan])
            for phase, later in ((Phase.GREEN, 0), (Phase.AMBER, green), (Phase.RED, green + AMBER_S * SECOND_US)):
                first = start + later
                begin = first + -(-(from_us - first) // cycle) * cycle
                times = np.arange(begin, to_us, cycle, dtype=np.int64)
                rows = np.empty(len(times), CHANGE)
                rows["event_us"], rows["device_index"], rows["device"] = times, number, device.no
                rows["group"], rows["phase"] = group, phase
                found.append(rows)
    if not found:
        return np.empty(0, CHANGE)
    together = np.concatenate(found)
    return together[np.lexsort((together["group"], together["device_index"], together["event_us"]))]
