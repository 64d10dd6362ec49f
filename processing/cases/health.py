"""What cameras say about themselves, kept so that their state at the moment of an event can be told.

A device keeps its newest statuses (kernels/trust.py), whatever the order in which they came.
"""

from dataclasses import dataclass, field
from math import isnan
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.columns import Columns
from contracts.records import ClockSource, StatusEvent
from contracts.topics import Kind
from processing.compiled import Compiled
from processing.kernels.trust import FLOATS, INTS, KEPT, NEVER, remember
from processing.state import Int64s, State, grown

NAMES: Final = ("event_us", "boot", "seq", "part", "event", "clock_source", "calibrated_until_us")
"""Columns of a status in the order of the kernel's INTS."""


@dataclass(slots=True)
class Statuses:
    """`slot` is by device: the place of its statuses in `ints` and `floats` (kernels/trust.py), -1 for none."""

    slot: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    ints: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    floats: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))


@dataclass(slots=True)
class Health:
    """What a device last said of itself before a moment; None and UNKNOWN where it said nothing."""

    offset_ms: float | None = None
    source: ClockSource = ClockSource.UNKNOWN
    lens: float | None = None
    calibrated_us: int | None = None
    said_us: int | None = None


def inherit(state: State, donor: State) -> None:
    """Take over what cameras said in a made past: the first of our own cases lies close behind it."""
    ours, theirs = state.part("statuses", Statuses), donor.part("statuses", Statuses)
    if not ours.ints.size:
        ours.slot, ours.ints, ours.floats = theirs.slot.copy(), theirs.ints.copy(), theirs.floats.copy()


def of_cameras(state: State, compiled: Compiled, statuses: Columns) -> Columns:
    """Those of devices that see passages; such a device gets its place with its first one."""
    held = state.part("statuses", Statuses)
    own: Columns = statuses[compiled.table(_sees)[statuses["device"]]]
    held.slot = grown(held.slot, compiled.size, -1)
    new = np.unique(own["device"][held.slot[own["device"]] < 0])
    if new.size:
        count = held.ints.size // (KEPT * INTS)
        held.slot[new] = np.arange(count, count + new.size)
        blank = np.zeros((new.size * KEPT, INTS), np.int64)
        blank[:, 0] = NEVER
        held.ints = np.concatenate((held.ints, blank.ravel()))
        held.floats = np.concatenate((held.floats, np.zeros(new.size * KEPT * FLOATS)))
    return own


def note(state: State, statuses: Columns) -> None:
    """Take statuses `of_cameras` in."""
    if not statuses.size:
        return
    held = state.part("statuses", Statuses)
    said = np.empty((statuses.size, INTS), np.int64)
    for column, name in enumerate(NAMES):
        said[:, column] = statuses[name]
    measured = np.empty((statuses.size, FLOATS))
    measured[:, 0], measured[:, 1] = statuses["clock_offset_ms"], statuses["lens_score"]
    remember(held.slot[statuses["device"]], said.ravel(), measured.ravel(), held.ints, held.floats)


def health_of(state: State, device: int, event_us: int, max_age_us: int) -> Health:
    """Of its statuses up to the event, each figure from the newest that has it; none from before it was last born."""
    held, health = state.part("statuses", Statuses), Health()
    slot = int(held.slot[device]) if device < held.slot.size else -1
    if slot < 0:
        return health
    own = slice(slot * KEPT, (slot + 1) * KEPT)
    said = held.ints.reshape(-1, INTS)[own].tolist()
    measured = held.floats.reshape(-1, FLOATS)[own].tolist()
    for ints, (offset, lens) in zip(reversed(said), reversed(measured), strict=True):
        said_us, _, _, _, event, source, calibrated_us = ints
        if said_us > event_us or event == StatusEvent.DEATH:
            continue
        if said_us == NEVER or said_us < event_us - max_age_us:
            break
        if health.said_us is None:
            health.said_us = said_us
        if health.offset_ms is None and not isnan(offset):
            health.offset_ms, health.source = offset, ClockSource(source)
        if health.lens is None and not isnan(lens):
            health.lens = lens
        if health.calibrated_us is None and calibrated_us > 0:
            health.calibrated_us = calibrated_us
        if event == StatusEvent.BIRTH:
            break
    return health


def _sees(compiled: Compiled) -> npt.NDArray[np.bool_]:
    sees = np.zeros(compiled.size, np.bool_)
    sees[[no for no, device in compiled.devices.items() if Kind.PASSAGE in device.kinds]] = True
    return sees
