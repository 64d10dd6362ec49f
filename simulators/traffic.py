"""The traffic of a city, block by block: who passed which camera when.

A block depends on (seed, city, block) alone: it is gathered from the blocks in which its vehicles set out, so that a
run may be started, cut and stopped anywhere.
"""

from collections import OrderedDict
from typing import Final

import numpy as np

from contracts.city import City
from simulators.chance import Ints
from simulators.demand import Rhythm, intensity, local_time
from simulators.ground import Ground, survey
from simulators.journeys import BLOCK_US, LOOK_BACK, plan_of_rows, set_out
from simulators.passings import Passings, join, ordered
from simulators.planted import Scene, plant
from simulators.roads import Network, build_network
from simulators.signals import Plans, make_plans
from simulators.troubles import Troubles
from simulators.world import ORDERLY, World

DAYS_KEPT: Final = 2
"""Networks kept: today's, and yesterday's over midnight. Limits have dates, so that a network belongs to a day."""


class Traffic:
    """Generates blocks of passings. Keeps the latest blocks at hand; nothing else in it changes."""

    def __init__(self, city: City, seed: int, world: World = ORDERLY) -> None:
        self._city, self._seed, self._world = city, seed, world
        self._networks: OrderedDict[int, tuple[Network, Ints, Ground]] = OrderedDict()
        self._departed: OrderedDict[int, list[Passings]] = OrderedDict()
        self.plans: Plans = make_plans((d for d in city.devices if d.type == "camera" and d.family == "native"), seed)
        self._troubles = Troubles(city, seed, world, self.network(0).cameras)

    def network(self, block: int) -> Network:
        """The network as it is on the day of a block; its rows are the same on every day."""
        return self._day(block)[0]

    def block(self, block: int) -> Passings:
        """Everybody past any camera in [block, block + 1) x `BLOCK_US`, in order of time."""
        return ordered(self.crowd(block))

    def crowd(self, block: int) -> Passings:
        """The same passings in no particular order: enough to count them, and half the work."""
        return join([self._departures(block - late)[late] for late in reversed(range(LOOK_BACK))])

    def _day(self, block: int) -> tuple[Network, Ints, Ground]:
        day = local_time(self._city.time_zone, block * BLOCK_US).date().toordinal()
        if day not in self._networks:
            net = build_network(self._city, day)
            plan = plan_of_rows(net, self.plans)
            self._networks[day] = (net, plan, survey(self._city, net, plan))
            while len(self._networks) > DAYS_KEPT:
                self._networks.popitem(last=False)
        return self._networks[day]

    def _departures(self, block: int) -> list[Passings]:
        """The vehicles that set out in a block, by how many blocks later they pass a camera."""
        if block not in self._departed:
            net, plan, ground = self._day(block)
            levels = intensity(self._city.time_zone, block * BLOCK_US + BLOCK_US // 2)
            jams = self._troubles.jams(net, block * BLOCK_US, (block + LOOK_BACK) * BLOCK_US)
            journeys = set_out(net, self.plans, plan, levels, self._seed, block, self._world.rates, jams)
            scene = Scene(net, ground, self.plans, plan, self._seed, block, block * BLOCK_US, BLOCK_US)
            journeys = join([journeys, plant(scene, self._world.rates, float(levels[Rhythm.COMMUTER]))])
            later = journeys.event_us // BLOCK_US - block
            self._departed[block] = [journeys.pick(np.flatnonzero(later == late)) for late in range(LOOK_BACK)]
            while len(self._departed) > LOOK_BACK + 1:
                self._departed.popitem(last=False)
        return self._departed[block]
