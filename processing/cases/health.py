"""What cameras say about themselves, kept so that their state at the moment of an event can be told.

A device keeps its newest statuses (kernels/trust.py), whatever the order in which they came.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.columns import Columns
from contracts.records import StatusEvent
from contracts.topics import Kind
from processing.compiled import Compiled
from processing.kernels import trust as kernels
from processing.kernels.trust import ASKED, FLOATS, INTS, KEPT, NEVER
from processing.state import Int64s, State, grown

NAMES: Final = ("event_us", "boot", "seq", "part", "event", "clock_source", "calibrated_until_us")
"""Columns of a status in the order of the kernel's INTS."""


@dataclass(slots=True)
class Statuses:
    """`slot` is by device: the place of its statuses in `newest`, `ints`, `floats` (kernels/trust.py), -1 for none."""

    slot: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    newest: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    ints: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    floats: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))


HEALTH: Final = np.dtype(
    [("said_us", "i8"), ("source", "i8"), ("calibrated_us", "i8"), ("offset_ms", "f8"), ("lens_score", "f8")]
)
"""What a device last said of itself before a moment: the answer of kernels/trust.py."""


def inherit(state: State, donor: State) -> None:
    """Take over what cameras said in a made past: the first of our own cases lies close behind it."""
    ours, theirs = state.part("statuses", Statuses), donor.part("statuses", Statuses)
    if not ours.ints.size:
        for name in ("slot", "newest", "ints", "floats"):
            setattr(ours, name, getattr(theirs, name).copy())


def of_cameras(state: State, compiled: Compiled, statuses: Columns) -> Columns:
    """Those of devices that see passages; such a device gets its place with its first one. A last will says nothing of
    the device, and would take the place of something that does."""
    held = state.part("statuses", Statuses)
    own: Columns = statuses[compiled.table(_sees)[statuses["device"]] & (statuses["event"] != StatusEvent.DEATH)]
    held.slot = grown(held.slot, compiled.size, -1)
    new = np.unique(own["device"][held.slot[own["device"]] < 0])
    if new.size:
        held.slot[new] = np.arange(held.newest.size, held.newest.size + new.size)
        held.newest = np.concatenate((held.newest, np.zeros(new.size, np.int64)))
        blank = np.zeros((new.size * KEPT, INTS), np.int64)
        blank[:, 0] = NEVER
        held.ints = np.concatenate((held.ints, blank.ravel()))
        held.floats = np.concatenate((held.floats, np.zeros(new.size * KEPT * FLOATS)))
    return own


def hear(state: State, statuses: Columns, known: Int64s, device: Int64s, event_us: Int64s, max_age_us: int) -> Columns:
    """Take statuses `of_cameras` in, and tell what these devices had said of themselves before, HEALTH of this shape.

    `device`, `event_us`: int64 (n, w), -1 for no device; `known` (n,), ascending: how many of the statuses had come.
    """
    held = state.part("statuses", Statuses)
    said = np.empty((statuses.size, INTS), np.int64)
    for column, name in enumerate(NAMES):
        said[:, column] = statuses[name]
    measured = np.empty((statuses.size, FLOATS))
    measured[:, 0], measured[:, 1] = statuses["clock_offset_ms"], statuses["lens_score"]
    asked = np.empty((*device.shape, ASKED), np.int64)
    asked[..., 0], asked[..., 2], asked[..., 3] = known[:, None], event_us, event_us - max_age_us
    there = (device >= 0) & (device < held.slot.size)
    asked[..., 1] = np.where(there, held.slot[np.where(there, device, 0)], -1)
    out = np.empty(device.shape, HEALTH)
    views = out.view(np.int64).ravel(), out.view(np.float64).ravel()
    slots = held.slot[statuses["device"]]
    kernels.hear(slots, said.ravel(), measured.ravel(), (held.newest, held.ints), held.floats, asked.ravel(), *views)
    return out


def _sees(compiled: Compiled) -> npt.NDArray[np.bool_]:
    sees = np.zeros(compiled.size, np.bool_)
    sees[[no for no, device in compiled.devices.items() if Kind.PASSAGE in device.kinds]] = True
    return sees
