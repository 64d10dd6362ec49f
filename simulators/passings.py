"""Vehicles past cameras, as arrays: what truly happened, before any camera says something about it."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from simulators.chance import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Passings:
    """Passings, arrays of one length.

    `event_us`: int64 microseconds UTC, whole milliseconds. `row`: of the network. `vehicle_class`: index into
    `classes.CLASSES`. `vehicle`: a number for life. `wait_us`: how long it stood in the picture. `red_us`: how long it
    had been red where that is an offence, else 0. `offence`: what it truly was (`offences.Offence`). `pair`: of
    passings that only together are an offence, or nearly one; 0 for the others.
    """

    event_us: Ints
    row: Ints
    lane: Ints
    vehicle_class: Ints
    vehicle: Ints
    speed_kmh: Floats
    wait_us: Ints
    red_us: Ints
    offence: Ints
    pair: Ints

    def __len__(self) -> int:
        return len(self.event_us)

    def pick(self, chosen: npt.NDArray[Any] | slice) -> "Passings":
        """The passings that a mask, an array of positions or a slice names."""
        return Passings(*(getattr(self, field.name)[chosen] for field in fields(self)))


def join(parts: list[Passings]) -> Passings:
    """The passings of several parts, one after another."""
    return Passings(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Passings)))


def ordered(passed: Passings) -> Passings:
    """In order of time; equal times keep their order."""
    return passed.pick(np.argsort(passed.event_us, kind="stable"))
