"""Where offences that need a place, or two of them, can be planted: made once from a network and its city."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.records import Direction
from contracts.roads import Section
from simulators.chains import EARTH_M
from simulators.chance import Floats, Ints
from simulators.roads import Network


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """An average-speed section as rows of the network, entry first, exit last; `along`: 0 to 1, as far as each row."""

    section: Section
    rows: Ints
    along: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """`open_rows`: report every vehicle and stand at no signal, int64 (n,); `reading_rows`: read its plate too.

    `forbidden_rows`: of the open ones, where nobody may stop at any hour; `allowed_rows`: where everybody may.
    `east_m`, `north_m`: of each row's camera, flat: a city is small.
    """

    stretches: tuple[Stretch, ...]
    open_rows: Ints
    reading_rows: Ints
    forbidden_rows: Ints
    allowed_rows: Ints
    east_m: Floats
    north_m: Floats


def survey(city: City, net: Network, plan: Ints) -> Ground:
    """The ground of a city. `plan`: the signal plan of each row, -1 without one."""
    lat = np.radians(np.array([net.cameras[camera].lat for camera in net.camera]))
    lon = np.radians(np.array([net.cameras[camera].lon for camera in net.camera]))
    stretches = [stretch for section in city.sections if (stretch := _stretch(section, net)) is not None]
    away = net.reports & (plan < 0)
    return Ground(
        stretches=tuple(stretches),
        open_rows=np.flatnonzero(away),
        reading_rows=np.flatnonzero(away & net.reads),
        forbidden_rows=np.flatnonzero(away & _stopping(city, net, always=True)),
        allowed_rows=np.flatnonzero(away & ~_stopping(city, net, always=False)),
        east_m=EARTH_M * lon * np.cos(lat.mean() if len(lat) else 0.0),
        north_m=EARTH_M * lat,
    )


def _stopping(city: City, net: Network, always: bool) -> npt.NDArray[np.bool_]:
    """Rows on which stopping is forbidden, bool by row: on every lane at all hours, or on some lane at some hour."""
    found = np.zeros(len(net.camera), np.bool_)
    for row, camera in enumerate(net.camera.tolist()):
        device, direction = net.cameras[camera], Direction(int(net.direction[row])).name.lower()
        for entry in city.no_stopping:
            here = device.id == entry.device or (entry.segment is not None and device.segment == entry.segment)
            whole = entry.lane == 0 and entry.hours is None and entry.valid_until is None
            if here and entry.direction in ("both", direction) and (whole or not always):
                found[row] = True
    return found


def _stretch(section: Section, net: Network) -> Stretch | None:
    """The rows from entry to exit; None where one is not simulated or nobody drives from one to the other."""
    at = {device.id: number for number, device in enumerate(net.cameras)}
    entry, leave = at.get(section.entry), at.get(section.exit)
    for row in np.flatnonzero(net.camera == (-1 if entry is None else entry)).tolist():
        path, current = [row], row
        while (current := int(net.follows[current])) >= 0 and current not in path:
            path.append(current)
            if net.camera[current] == leave:
                return _along(section, path, net)
    return None


def _along(section: Section, path: list[int], net: Network) -> Stretch | None:
    if not (net.reads[path[0]] and net.reads[path[-1]]):
        return None
    legs_m = np.array([0.0, *(net.leg_m[one] for one, _other in pairwise(path))])
    if legs_m.sum() <= 0:
        return None
    return Stretch(section, np.array(path, np.int64), np.cumsum(legs_m) / legs_m.sum())
