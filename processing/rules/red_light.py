"""Red light: a vehicle past the stop line while its signal had been red for longer than the grace time.

The phases come from the camera itself where it reports its signal, else from the device of the junction that does. A
passage is put in order with them by event time. Amber is never an offence; what the clocks of camera and controller
may disagree by is held in favour of the driver; and where no phase is known, or changes were lost, nothing is
suspected: such passages are counted by camera as `no_phase`.

In its first seconds red is sure to last, and a case is said at once. Later on it is said when the light turns green:
only then is it known that no change was lost in between. A passage that comes late is judged in the same way, by the
phases that are remembered.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from contracts.clock import SECOND_US, to_iso
from contracts.columns import Batch, Columns, empty
from contracts.devices import Device
from contracts.findings import Because, Scalar
from contracts.records import MAX_LANE, TimeQuality
from contracts.rules import Rule
from contracts.topics import Kind
from processing.cases.case import Case, case
from processing.cases.passing import Passing
from processing.compiled import Compiled
from processing.kernels import red_light as kernels
from processing.kernels.red_light import CHANGES, NO_PHASE, SUSPECTED, WAITS
from processing.order.ordering import (
    ROW,
    Groups,
    Heard,
    Offer,
    Queue,
    Stamped,
    Taken,
    groups_of,
    moved,
    regrouped,
    take,
)
from processing.said import Said
from processing.state import Int64s, State, grown
from processing.timeline import column

KIND: Final = "red_light"
HOLD_US: Final = 3 * SECOND_US
"""A late passage waits so long for phases that are late with it: more than what is shuffled on the way."""
GROUPS_MAX: Final = 64
"""Highest number of a signal group (`contracts.records.Signal`)."""

TELLS, PASSES = 0, 1
"""The sources of what is handed out: phase changes and passages."""
_LIMITS: Final = ("grace_s", "sure_s", "most_s", "amber_most_s")
"""Params in the order of the kernel's `limits`."""


def _none() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class RedLight(Queue):
    """By slot (kernels/red_light.py): the last changes, and the passages that wait for the next one.

    `no_phase`: by device, passages that nobody can judge for want of phases.
    """

    signals: Columns = field(default_factory=lambda: empty("signal"))
    passages: Columns = field(default_factory=lambda: empty("passage"))
    changed_us: Int64s = field(default_factory=_none)
    phases: Int64s = field(default_factory=_none)
    count: Int64s = field(default_factory=_none)
    held: Columns = field(default_factory=lambda: np.empty(0, ROW))
    held_passages: Columns = field(default_factory=lambda: empty("passage"))
    no_phase: Int64s = field(default_factory=_none)


@dataclass(frozen=True, slots=True)
class Watch:
    """Slots and who uses them. `told`: slot by device and group; `passed`: slot by device and lane; -1 for none."""

    groups: Groups
    told: Int64s
    passed: Int64s
    source: Int64s
    """By slot: the device that reports the signal."""


def judge(state: State, compiled: Compiled, batch: Batch, seen: Passing, heard: Heard, said: Said) -> None:
    """The suspected violations that this batch decides."""
    memory, rules = state.part(KIND, RedLight), compiled.rules_of(KIND)
    watch = compiled.table(_watch)
    if not rules or not watch.groups.keys.size:
        state.parts.pop(KIND)
        return
    rule = rules[0]
    _regroup(memory, watch.groups)
    memory.no_phase = grown(memory.no_phase, state.size)
    taken = take(memory, heard, watch.groups, *_offers(rule, watch, batch.signals, seen))
    if taken.rows.size:
        _look(memory, compiled, rule, watch, taken, said)


def _look(memory: RedLight, compiled: Compiled, rule: Rule, watch: Watch, taken: Taken, said: Said) -> None:
    """Judge what is handed out, and what waited for it."""
    held, rows = memory.held.size, np.concatenate((memory.held, taken.rows))
    passes = rows["source"] == PASSES
    own = watch.source[rows["group"]] == rows["device"]
    unsure_us = np.where(own, 0, _both_us(rule))
    phase, event_us = np.full(rows.size, kernels.PASSAGE, np.int64), column(rows, "time_us").copy()
    told, passing = np.flatnonzero(~passes), np.flatnonzero(passes)[held:]
    phase[told] = taken.column("phase", told - held, TELLS)
    event_us[:held] = memory.held_passages["event_us"]
    event_us[passing] = taken.column("event_us", passing - held, PASSES)
    verdict, found, said_us = (np.zeros(rows.size * size, np.int64) for size in (1, 2, 1))
    kernels.watch(
        (column(rows, "group"), event_us, phase, column(rows, "out_us"), unsure_us, own.astype(np.int64)),
        held,
        (memory.changed_us, memory.phases, memory.count),
        np.array([round(rule.params[name] * SECOND_US) for name in _LIMITS], np.int64),
        verdict,
        found,
        said_us,
    )

    def passage(row: int) -> Any:
        return memory.held_passages[row] if row < held else taken.record(row - held)

    for row in np.flatnonzero(verdict == SUSPECTED).tolist():
        slot, red_us = int(rows["group"][row]), (int(found[2 * row]), int(found[2 * row + 1]))
        said.cases.append(_case(compiled, rule, watch, slot, passage(row), red_us, int(said_us[row])))
    np.add.at(memory.no_phase, rows["device"][verdict == NO_PHASE], 1)
    waiting = np.flatnonzero(verdict == WAITS)
    before, after = waiting[waiting < held], waiting[waiting >= held]
    memory.held_passages = np.concatenate((memory.held_passages[before], taken.records(after - held, PASSES)))
    memory.held = rows[waiting]


def _watch(compiled: Compiled) -> Watch:
    """Who tells the phases of which group, and which lanes obey it. A camera's own signal input comes first."""
    telling: dict[tuple[str, int], int] = {}
    for no, device in sorted(compiled.devices.items()):
        if Kind.SIGNAL in device.kinds and device.junction:
            for group in device.signal_groups:
                telling.setdefault((device.junction, group), no)
    told = np.full((compiled.size, GROUPS_MAX + 1), -1, np.int64)
    passed = np.full((compiled.size, MAX_LANE + 1), -1, np.int64)
    members: dict[int, set[int]] = {}
    obeying: list[tuple[int, int, int]] = []
    for no, device in compiled.devices.items():
        for lane, group in _lanes(device) if "red_light" in device.functions else []:
            own = Kind.SIGNAL in device.kinds and group in device.signal_groups
            source = no if own else telling.get((device.junction or "", group))
            if source is not None:
                members.setdefault(source << 8 | group, {source}).add(no)
                obeying.append((no, lane, source << 8 | group))
    groups = groups_of({key: sorted(numbers) for key, numbers in members.items()})
    slots = {key: slot for slot, key in enumerate(groups.keys.tolist())}
    for key, slot in slots.items():
        told[key >> 8, key & 0xFF] = slot
    for no, lane, key in obeying:
        passed[no, lane] = slots[key]
    return Watch(groups, told, passed, groups.keys >> 8)


def _lanes(device: Device) -> list[tuple[int, int]]:
    """(lane, group) of a red-light camera; with one group and no list, every lane obeys it."""
    if device.signal_lanes or len(device.signal_groups) != 1:
        return list(device.signal_lanes)
    return [(lane, device.signal_groups[0]) for lane in range(MAX_LANE + 1)]


def _offers(rule: Rule, watch: Watch, signals: Columns, seen: Passing) -> tuple[Offer, Offer]:
    """The batch's phase changes and passages that belong to a slot; only what carries the device's own time.

    Whoever drives against a lane does not pass its stop line.
    """
    told = Stamped(*(column(signals, name) for name in Stamped._fields))
    slots = watch.told[told.device, np.clip(signals["group"], 0, GROUPS_MAX)]
    changes = np.flatnonzero((slots >= 0) & (signals["quality"] == TimeQuality.DEVICE))
    lanes = watch.passed[seen.device, np.clip(seen.lane, 0, MAX_LANE)]
    ahead = (seen.ways == 0) | (seen.direction == 0) | (seen.direction == seen.ways)
    crossings = np.flatnonzero((lanes >= 0) & ahead & (seen.quality == TimeQuality.DEVICE))
    lanes = lanes[crossings]
    own = watch.source[lanes] == seen.device[crossings]
    after_us = np.where(own, 0, _both_us(rule)) + 1  # after every change that could have come before it
    return (
        Offer("signals", signals, told, changes, slots[changes]),
        Offer("passages", seen.rows, seen, crossings, lanes, after_us, HOLD_US),
    )


def _both_us(rule: Rule) -> int:
    """By how much the clocks of a camera and a controller may disagree."""
    return 2 * round(rule.params["clock_uncertainty_s"] * SECOND_US)


def _regroup(memory: RedLight, groups: Groups) -> None:
    """Slots as the version in force has them: those known before keep their phases."""
    if not regrouped(memory, groups):
        return
    before, after = memory.keys, groups.keys
    _, old, new = np.intersect1d(before, after, return_indices=True)
    for name, width in (("changed_us", CHANGES), ("phases", CHANGES), ("count", 1)):
        kept = np.zeros((after.size, width), np.int64)
        kept[new] = getattr(memory, name).reshape(-1, width)[old]
        setattr(memory, name, kept.ravel())
    memory.held, stays = moved(memory, groups, memory.held)
    memory.held_passages = memory.held_passages[stays]


def _case(
    compiled: Compiled, rule: Rule, watch: Watch, slot: int, passage: Any, red_us: tuple[int, int], tick_us: int
) -> Case:
    began_us, ended_us = red_us
    device, source = compiled.devices[int(passage["device"])], int(watch.source[slot])
    red_s = (int(passage["event_us"]) - began_us) / SECOND_US
    unsure_s = 0.0 if source == device.no else _both_us(rule) / SECOND_US
    threshold_s = rule.params["grace_s"] + unsure_s
    inputs: dict[str, Scalar] = {
        "phase": "red",
        "red_s": red_s,
        "grace_s": rule.params["grace_s"],
        "clock_uncertainty_s": unsure_s,
        "junction": device.junction,
        "signal_group": int(watch.groups.keys[slot]) & 0xFF,
        "signal_device": compiled.devices[source].id,
        "red_since": to_iso(began_us),
    }
    if ended_us >= 0:
        inputs["green_after_s"] = (ended_us - int(passage["event_us"])) / SECOND_US
    because = Because(
        measured=red_s,
        limit=0.0,
        threshold=threshold_s,
        margin=red_s - threshold_s,
        unit="s",
        needed=f"red_s <= {threshold_s:g}",
        source=rule.law,
        inputs=inputs,
    )
    made = case(compiled, rule, KIND, passage, because, tick_us=tick_us)
    return made if source == device.no else replace(made, witnesses=(*made.witnesses, (source, began_us)))
