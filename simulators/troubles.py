"""What planted faults do to devices: who is silent, whose clock is wrong or glass dirty, where traffic crawls.

Devices are counted as they speak: the simulated cameras, then the stations.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.clock import DAY_US, SECOND_US, to_us
from contracts.devices import Device
from simulators.chance import Draw, Floats, Ints, normal, uniform
from simulators.faults import (
    CLOCK_OFF_S,
    DIRTY_SCORE,
    EXPIRED_US,
    MISTRUSTED,
    REST_US,
    TALKS_US,
    Fault,
    Faults,
    Planted,
)
from simulators.jams import Jam, Jams
from simulators.roads import Network
from simulators.world import World

Mask = npt.NDArray[np.bool_]
QUEUE_US: Final = 4 * 60 * SECOND_US
"""How long a queue takes to reach the next camera behind."""
EDGE_US: Final = 20 * SECOND_US
"""So close to the begin or end of a fault nobody can say whether a device was to be trusted."""


class Troubles:
    """The faults of a city, seen from its devices."""

    def __init__(self, city: City, seed: int, world: World, devices: Sequence[Device]) -> None:
        self._seed, self._world = seed, world
        self.faults = Faults(city, seed, world.faults)
        self._devices = tuple(devices)
        self._index = {device.id: number for number, device in enumerate(devices)}
        until = [d.calibrated_until for d in devices]
        self._calibrated_us = np.array([-1 if day is None else (day.toordinal() - 719_163) * DAY_US for day in until])
        self._planned = [
            (self._index[entry.device], to_us(entry.begins), to_us(entry.ends))
            for entry in city.maintenance
            if entry.device in self._index
        ]

    def silent(self, device: Ints, time_us: Ints) -> Mask:
        """Which of these devices say nothing at these moments, bool (n,)."""
        mask = np.zeros(len(time_us), np.bool_)
        for one in self._touching(time_us, (Fault.DEVICE_SILENT, Fault.STREET_OUTAGE, Fault.CHATTERING)):
            inside = self._inside(one, device, time_us)
            if one.kind is Fault.CHATTERING:
                inside &= (time_us - one.from_us) % (TALKS_US + REST_US) < REST_US
            mask |= inside
        return mask

    def clock_us(self, device: Ints, time_us: Ints) -> Ints:
        """How far the devices' clocks are ahead at these moments, int64 (n,), whole milliseconds."""
        world = self._world
        off_ms = np.zeros(len(time_us))
        if world.clock_sd_ms:
            off_ms += world.clock_sd_ms * normal(self._seed, Draw.CLOCK, 1, device)
        if world.clock_lies:
            lies = uniform(self._seed, Draw.CLOCK, 2, device) < world.clock_lies
            off_ms += np.where(lies, world.clock_lie_ms * (2 * uniform(self._seed, Draw.CLOCK, 3, device) - 1), 0.0)
        return np.round(off_ms).astype(np.int64) * 1_000 + self._drifted_us(device, time_us)

    def _drifted_us(self, device: Ints, time_us: Ints) -> Ints:
        off_us = np.zeros(len(time_us), np.int64)
        for one in self._touching(time_us, (Fault.CLOCK_DRIFT,)):
            off_us[self._inside(one, device, time_us)] = round(CLOCK_OFF_S * SECOND_US)
        return off_us

    def drifted_ms(self, device: Ints, time_us: Ints) -> Floats:
        """What a drifting clock adds to the offset that a status reports, float64 (n,)."""
        return self._drifted_us(device, time_us) / 1_000.0

    def dirty(self, device: Ints, time_us: Ints) -> Mask:
        """Whose glass is dirty, bool (n,)."""
        mask = np.zeros(len(time_us), np.bool_)
        for one in self._touching(time_us, (Fault.DIRTY_LENS,)):
            mask |= self._inside(one, device, time_us)
        return mask

    def lens(self, score: Floats, device: Ints, time_us: Ints) -> Floats:
        """The score of each one's glass, what is planted taken into account."""
        return np.where(self.dirty(device, time_us), DIRTY_SCORE, score)

    def calibrated_until_us(self, device: Ints, time_us: Ints) -> Ints:
        """Until when each one is calibrated, int64 (n,), -1 where that is not known."""
        until: Ints = self._calibrated_us[device]
        for one in self._touching(time_us, (Fault.OUT_OF_CALIBRATION,)):
            until = np.where(self._inside(one, device, time_us), (one.from_us - EXPIRED_US) // DAY_US * DAY_US, until)
        return until

    def turning_points(self, from_us: int, to_us: int) -> list[tuple[int, int]]:
        """(moment, device) at which a device notices a change in itself and says so, in [from_us, to_us)."""
        found = []
        for one in self.faults.between(from_us - 1, to_us + 1):
            if one.kind in MISTRUSTED and one.kind is not Fault.MAINTENANCE:
                for moment_us in (one.from_us, one.to_us):
                    if from_us <= moment_us < to_us:
                        found += [(moment_us, self._index[device]) for device in one.devices if device in self._index]
        return sorted(found)

    def mistrusted(self, device: Ints, time_us: Ints) -> Ints:
        """Why nothing that is said then is held against anybody, int64 (n,): a bit for each of `MISTRUSTED`.

        The bit above them says that it is so close to an edge that nobody can tell.
        """
        found = np.zeros(len(time_us), np.int64)
        edge = 1 << len(MISTRUSTED)
        for one in self._touching(time_us, MISTRUSTED, EDGE_US):
            who = np.isin(device, [self._index[d] for d in one.devices if d in self._index])
            bit = 1 << MISTRUSTED.index(one.kind)
            found |= _edged(who, time_us, one.from_us, one.to_us, bit, edge)
        for number, begins_us, ends_us in self._planned:
            bit = 1 << MISTRUSTED.index(Fault.MAINTENANCE)
            found |= _edged(device == number, time_us, begins_us, ends_us, bit, edge)
        return found

    def jams(self, net: Network, from_us: int, to_us: int) -> Jams:
        """Where traffic crawls in [from_us, to_us)."""
        jams = []
        for one in self.faults.between(from_us, to_us):
            if one.kind not in (Fault.CONGESTION, Fault.INCIDENT):
                continue
            # A queue grows from its head backwards and shrinks to it again; devices stand in the order of driving.
            for behind, device in enumerate(reversed(one.devices)):
                rows = (net.camera == self._index.get(device, -1)) & (net.direction == one.direction)
                grows_us = min(behind * QUEUE_US, (one.to_us - one.from_us) // 3)
                jams.append(Jam(rows, one.from_us + grows_us, one.to_us - grows_us, one.size))
        return Jams(tuple(jams))

    def stuck(self, from_us: int, to_us: int) -> list[tuple[int, Planted]]:
        """(camera, fault) of the counters that are stuck at some time in [from_us, to_us)."""
        found = self.faults.between(from_us, to_us)
        return [(self._index[d], one) for one in found if one.kind is Fault.STUCK_COUNTER for d in one.devices]

    def _touching(self, time_us: Ints, kinds: Sequence[Fault], around_us: int = 0) -> list[Planted]:
        if not len(time_us):
            return []
        found = self.faults.between(int(time_us.min()) - around_us, int(time_us.max()) + around_us + 1)
        return [one for one in found if one.kind in kinds]

    def _inside(self, one: Planted, device: Ints, time_us: Ints) -> Mask:
        who = [self._index[device] for device in one.devices if device in self._index]
        inside: Mask = np.isin(device, who) & (time_us >= one.from_us) & (time_us < one.to_us)
        return inside


def _edged(who: Mask, time_us: Ints, from_us: int, to_us: int, bit: int, edge: int) -> Ints:
    inside = who & (time_us >= from_us) & (time_us < to_us)
    near = who & (np.minimum(np.abs(time_us - from_us), np.abs(time_us - to_us)) < EDGE_US)
    found: Ints = inside.astype(np.int64) * bit | near.astype(np.int64) * edge
    return found
