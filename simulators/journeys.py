"""One block of journeys: vehicles set out, pass camera after camera of their road, wait at signals and turn off.

All journeys of a block take a step together, from their cameras to the next ones; a block has a generator of its own.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.clock import SECOND_US
from simulators.chance import Draw, Floats, Ints, generator, mix
from simulators.classes import CLASSES
from simulators.demand import CLASS_MIX, speed_share
from simulators.jams import Jams
from simulators.offences import (
    FASTEST_KMH,
    GRACE_US,
    LEAST_EXCESS_KMH,
    LEAST_RED_US,
    MEAN_EXCESS_KMH,
    RUN_WITHIN_US,
    Offence,
    Rates,
    no_helmet_share,
    red_light_share,
    speeding_share,
)
from simulators.passings import Passings, join
from simulators.roads import Network
from simulators.signals import Plans, red_for_us, since_green_us

BLOCK_S: Final = 900
BLOCK_US: Final = BLOCK_S * SECOND_US
"""The absolute grid of blocks: long enough that array work outweighs its overhead, a divisor of an hour."""
LOOK_BACK: Final = 4
"""A journey ends within this many blocks of its start; a block is gathered from as many."""
MOST_STEPS: Final = 16
"""Cameras that one journey passes at most."""
SLOTS: Final = 8
"""A vehicle sets out in one block of every eight only, so that it is never in two places at once."""
SPARE: Final = 3.0
"""Vehicles that exist over those that set out in a mean block: the busiest block needs 2.6 times the mean."""
LEAST_LIVING: Final = 64
"""Vehicles of a class and slot that exist even in a village."""

CLASS_SPEED: Final = np.array([0.92, 1.0, 0.97, 0.95, 0.85, 0.82, 0.72])
"""Free speed of a class over a car's."""
MANNER_SD: Final = 0.09
"""Spread of drivers around the mean speed of the road: V85 lies about 10 % above it."""
LEG_SHARE: Final = 0.92
"""Mean speed between two cameras over the speed past them."""
SLOWEST_KMH: Final = 6.0
BELOW_THRESHOLD_KMH: Final = 9.0
"""Those who would be over the threshold stay below it by this or less: the cameras are known."""
QUEUE_US: Final = 14 * SECOND_US
"""A queue at a signal is gone this long after green begins; the shortest green is longer."""
STARTING_KMH: Final = (9.0, 18.0)
"""Speed past the stop line from standing: least, and what may come on top."""
MS: Final = 1_000

Mask = npt.NDArray[np.bool_]


def set_out(
    net: Network, plans: Plans, plan: Ints, levels: Floats, seed: int, block: int, rates: Rates, jams: Jams
) -> Passings:
    """All passings of the vehicles that set out in a block, by the steps of their journeys.

    Args:
        plan: of each row of the network, -1 without a signal.
        levels: demand in the block over the mean of all days, by rhythm.
        jams: where and when traffic crawls.
    """
    draw = generator(seed, Draw.JOURNEY, block)
    setting_out = draw.poisson(net.entering_per_day * levels[net.rhythm] * (BLOCK_S / 86_400))
    row = np.repeat(np.arange(len(setting_out)), setting_out)
    time_us = block * BLOCK_US + (draw.random(len(row)) * (BLOCK_S * 1000)).astype(np.int64) * MS
    mix_up_to = np.cumsum(CLASS_MIX, axis=1)[:, :-1]
    kind = _classes(draw.random(len(row)), mix_up_to[net.rhythm[row]])
    share = no_helmet_share(net.vehicles_per_day[net.reports], float(CLASS_MIX[0, 0])) * rates.no_helmet
    group = _Group(
        row=row,
        time_us=time_us,
        kind=kind,
        vehicle=_vehicles(net, seed, block, kind),
        manner=np.clip(draw.normal(1.0, MANNER_SD, len(row)), 0.7, 1.45),
        bare=(kind == 0) & (draw.random(len(row)) < share),
    )
    roads = _Roads(net, plans, plan, speed_share(levels)[net.rhythm], rates, jams)
    parts, end_us = [], (block + LOOK_BACK) * BLOCK_US
    for _step in range(MOST_STEPS):
        passed = roads.pass_cameras(group, draw)
        within = passed.event_us < end_us
        parts.append(passed.pick(within))
        go = within & (draw.random(len(within)) < net.stay[group.row])
        if not go.any():
            break
        group = roads.drive_on(group, passed, go, draw)
    return join(parts)


def _classes(chance: Floats, mix_up_to: Floats) -> Ints:
    """The class index that a chance falls into, by the mix of each one's road: int64 (n,)."""
    kind = np.zeros(len(chance), np.int64)
    for column in range(mix_up_to.shape[1]):
        kind += chance > mix_up_to[:, column]
    return kind


def _vehicles(net: Network, seed: int, block: int, kind: Ints) -> Ints:
    """A vehicle for each journey, none twice in a block: class index in the high bits, its number below.

    The first one is the same at the same time every day: people have habits.
    """
    vehicle = np.empty(len(kind), np.int64)
    mean_per_block = float(net.entering_per_day.sum()) * BLOCK_S / 86_400
    for number in range(len(CLASSES)):
        chosen = np.flatnonzero(kind == number)
        living = max(LEAST_LIVING, int(mean_per_block * SPARE * CLASS_MIX[:, number].max()))
        first = int(mix(seed, Draw.SLOT, number, block % (86_400 // BLOCK_S))[0]) % living
        vehicle[chosen] = (number << 40) | ((first + np.arange(len(chosen))) % living * SLOTS + block % SLOTS)
    return vehicle


class _Group:
    """Journeys under way, arrays of one length: where they are, when, and who they are."""

    __slots__ = ("bare", "kind", "manner", "row", "time_us", "vehicle")

    def __init__(self, row: Ints, time_us: Ints, kind: Ints, vehicle: Ints, manner: Floats, bare: Mask) -> None:
        self.row, self.time_us, self.kind, self.vehicle, self.manner, self.bare = (
            row,
            time_us,
            kind,
            vehicle,
            manner,
            bare,
        )


class _Roads:
    """The network in one block: how fast it flows, and how likely offences are."""

    def __init__(self, net: Network, plans: Plans, plan: Ints, flow: Floats, rates: Rates, jams: Jams) -> None:
        self._net, self._plans, self._plan, self._jams = net, plans, plan, jams
        self._usual_kmh = net.free_kmh * flow
        self._speeding = np.where(net.measures, rates.speeding * speeding_share(net.vehicles_per_day), 0.0)
        cycle = plans.cycle_us[np.maximum(plan, 0)] if len(plans.cycle_us) else np.ones(len(plan), np.int64)
        watched = (plan >= 0) & net.watches_red
        running = rates.red_light * red_light_share(net.vehicles_per_day, cycle.astype(np.float64))
        self._running = np.where(watched, running, 0.0)

    def pass_cameras(self, group: _Group, draw: np.random.Generator) -> Passings:
        """Everybody past the camera where it is now: stopped by the signal or not, planted offences among them."""
        net, row, count = self._net, group.row, len(group.row)
        threshold = net.limits.threshold_at(row, group.kind, group.time_us)
        usual = self._usual(group)
        speed: Floats = np.maximum(usual + 3.0 * draw.standard_normal(count), SLOWEST_KMH)
        held = np.flatnonzero(speed > threshold - 0.5)
        speed[held] = np.maximum(threshold[held] - 0.5 - BELOW_THRESHOLD_KMH * draw.random(len(held)), SLOWEST_KMH)
        wait_us, red_us = self._signals(group, draw)
        stopped = np.flatnonzero(wait_us)
        starting = STARTING_KMH[0] + STARTING_KMH[1] * draw.random(len(stopped))
        starting = self._jams.slow(starting, row[stopped], group.time_us[stopped])
        speed[stopped] = np.maximum(starting, SLOWEST_KMH)
        fast = np.flatnonzero((draw.random(count) < self._speeding[row]) & (wait_us == 0) & (red_us == 0))
        excess = LEAST_EXCESS_KMH + draw.exponential(MEAN_EXCESS_KMH, len(fast))
        speed[fast] = np.minimum(threshold[fast] + excess, FASTEST_KMH)
        offence = np.where(red_us > 0, int(Offence.RED_LIGHT), 0)
        offence[fast] = int(Offence.SPEEDING)
        offence[np.flatnonzero(group.bare & net.reports[row])] |= int(Offence.NO_HELMET)
        return Passings(
            event_us=group.time_us + wait_us,
            row=row,
            lane=self._lane(group, draw),
            vehicle_class=group.kind,
            vehicle=group.vehicle,
            speed_kmh=np.round(speed, 1),
            wait_us=wait_us,
            red_us=red_us,
            offence=offence,
            pair=np.zeros(count, np.int64),
        )

    def _usual(self, group: _Group) -> Floats:
        """What each one would drive here and now, km/h: by road, class and driver, less in a jam."""
        usual: Floats = self._usual_kmh[group.row] * CLASS_SPEED[group.kind] * group.manner
        return self._jams.slow(usual, group.row, group.time_us)

    def drive_on(self, group: _Group, passed: Passings, go: Mask, draw: np.random.Generator) -> _Group:
        """Those who go on, at the next camera: the way takes the time of their usual speed, whatever they did here."""
        row, count = group.row[go], int(go.sum())
        usual = self._usual(group)[go]
        capped = np.minimum(usual, self._net.limits.limit_at(row, group.kind[go], passed.event_us[go]))
        leg_kmh = np.maximum(capped * (LEG_SHARE + 0.05 * (draw.random(count) - 0.5)), SLOWEST_KMH)
        leg_ms = (self._net.leg_m[row] / leg_kmh * 3_600.0).astype(np.int64)
        return _Group(
            row=self._net.follows[row],
            time_us=passed.event_us[go] + leg_ms * MS,
            kind=group.kind[go],
            vehicle=group.vehicle[go],
            manner=group.manner[go],
            bare=group.bare[go],
        )

    def _signals(self, group: _Group, draw: np.random.Generator) -> tuple[Ints, Ints]:
        """How long each one stands at the signal, and how long it had been red for those who did not stop."""
        wait_us, red_us = np.zeros(len(group.row), np.int64), np.zeros(len(group.row), np.int64)
        plan = self._plan[group.row]
        at_signal = np.flatnonzero(plan >= 0)
        chance, queue = draw.random(len(at_signal)), draw.random(len(at_signal))
        since = since_green_us(self._plans, plan[at_signal], group.time_us[at_signal])
        red = red_for_us(self._plans, plan[at_signal], since)
        runs = (red >= LEAST_RED_US) & (red < RUN_WITHIN_US) & (chance < self._running[group.row[at_signal]])
        stops = (red >= GRACE_US) & ~runs
        cycle = self._plans.cycle_us[plan[at_signal]]
        waiting = cycle - since + (queue * (QUEUE_US // MS)).astype(np.int64) * MS + MS
        wait_us[at_signal] = np.where(stops, waiting, 0)
        red_us[at_signal] = np.where(runs, red, 0)
        return wait_us, red_us

    def _lane(self, group: _Group, draw: np.random.Generator) -> Ints:
        """Motorcycles and trucks keep to the first lane mostly, as the law asks; the others spread."""
        net, chance = self._net, draw.random(len(group.row))
        slow = (group.kind == 0) | (group.kind == 4) | (group.kind == 5)
        chance = np.where(slow, chance * chance * chance, chance)
        position = (chance * net.lane_count[group.row]).astype(np.int64)
        lane: Ints = net.lanes[group.row, position]
        return lane


def plan_of_rows(net: Network, plans: Plans) -> Ints:
    """The signal plan of each row of the network, -1 where there is none."""
    names: list[Any] = [net.cameras[camera].junction or "" for camera in net.camera]
    found = [plans.index.get((name, int(group)), -1) for name, group in zip(names, net.group, strict=True)]
    return np.array(found, np.int64)
