"""Vehicles that are there to be found, or not to be: those that drive against traffic, stand where nobody may, take a
section too fast, or carry another's plate; and beside each a harmless one that looks nearly like it.

They come on top of the journeys, a block at a time, with numbers of their own, so that no plate of theirs is anybody
else's. Whoever is harmless here stays so far from the line that no doubt about clocks or lengths makes an offender.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.clock import SECOND_US
from contracts.records import VehicleClass
from simulators.chance import Draw, Floats, Ints, generator
from simulators.classes import CLASSES
from simulators.ground import Ground, Stretch
from simulators.offences import FASTEST_KMH, Offence, Rates
from simulators.passings import Passings, join
from simulators.roads import Network
from simulators.signals import Plans, red_for_us, since_green_us

MOTORCYCLE: Final = CLASSES.index(VehicleClass.MOTORCYCLE)
DRIVEN: Final = tuple(CLASSES.index(vehicle) for vehicle in (VehicleClass.CAR, VehicleClass.PICKUP, VehicleClass.VAN))
"""Classes with plates enough that planted ones have their own."""
FIRST_NUMBER: Final = 1_000_000
"""Planted vehicles are numbered from here: journeys need fewer, and every class used here has plates for as many."""
BLOCKS_APART: Final = 768
"""Eight days: the same number comes again no sooner."""
MOST_A_BLOCK: Final = 1_024
WRONG_WAY_KMH: Final = (12.0, 38.0)
WRONG_WAY_RIDDEN: Final = 0.7
"""Most who drive against traffic ride a motorcycle the short way home (our estimate)."""
STANDING_S: Final = (420.0, 1_500.0)
STANDING_SHORT_S: Final = (15.0, 55.0)
"""How long a vehicle stands where none may, and how long one that lets somebody out."""
AVERAGE_OVER: Final = (1.10, 1.40)
AVERAGE_UNDER: Final = (0.90, 0.97)
"""Average speed over a section: of the highest threshold on it, and of the lowest limit on it for a harmless one."""
BELOW_KMH: Final = (1.0, 8.0)
"""Whoever takes a section too fast brakes at its cameras, to so much below the threshold there."""
TRIES: Final = 12
"""Starts tried so that the signals on the way are green."""
APART_M: Final = 6_000.0
"""Two cameras with one plate stand at least so far apart."""
CLONED_KMH: Final = (450.0, 1_200.0)
DRIVEN_KMH: Final = (20.0, 45.0)
"""Speed along the straight line between two sightings: of one plate on two vehicles, and of one vehicle."""
SEEN_TIMES: Final = 3
ROUND_US: Final = 540 * SECOND_US
"""Each of two vehicles with one plate passes its camera so often, so long apart: somebody on his rounds."""

_NOBODY: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is needed to plant in one block."""

    net: Network
    ground: Ground
    plans: Plans
    plan: Ints
    seed: int
    block: int
    start_us: int
    length_us: int


def plant(scene: Scene, rates: Rates, busy: float) -> Passings:
    """The planted vehicles that appear in a block; `busy`: demand over its mean."""
    draw = generator(scene.seed, Draw.PLANTED, scene.block)
    share = scene.length_us / (3_600 * SECOND_US) * min(max(busy, 0.4), 1.5)
    yard = _Yard(scene, draw)
    for planted in (True, False):
        factor = share if planted else share * rates.near_misses
        if planted:  # nobody drives nearly against traffic
            yard.wrong_way(draw.poisson(rates.wrong_way_per_h * factor))
        yard.standing(draw.poisson(rates.illegal_stopping_per_h * factor), planted)
        yard.section(draw.poisson(rates.section_speed_per_h * factor), planted)
        yard.two_places(draw.poisson(rates.cloned_plate_per_h * factor), planted)
    return yard.passings()


class _Yard:
    """Collects the planted passings of one block and hands out vehicle numbers."""

    def __init__(self, scene: Scene, draw: np.random.Generator) -> None:
        self._scene, self._draw = scene, draw
        self._parts: list[Passings] = []
        self._made = 0

    def passings(self) -> Passings:
        """Everything planted so far."""
        return join(self._parts or [_passings(_NOBODY, _NOBODY, _NOBODY)])

    def wrong_way(self, many: int) -> None:
        """Vehicles against the direction of their lane."""
        rows = self._scene.ground.open_rows
        if not len(rows):
            return
        row = rows[self._draw.integers(len(rows), size=many)]
        kind = np.where(self._draw.random(many) < WRONG_WAY_RIDDEN, MOTORCYCLE, self._driven(many))
        speed = self._between(WRONG_WAY_KMH, many)
        self._add(_passings(self._moments(many), row, kind, self._numbers(kind), speed, Offence.WRONG_WAY))

    def standing(self, many: int, planted: bool) -> None:
        """Vehicles that stand in the picture and are seen when they leave: for long where nobody may, or harmlessly:
        to let somebody out there, or for long where everybody may."""
        ground = self._scene.ground
        rows = ground.forbidden_rows if planted or self._draw.random() < 0.5 else ground.allowed_rows
        if not len(rows):
            return
        long = planted or rows is ground.allowed_rows
        row, kind = rows[self._draw.integers(len(rows), size=many)], self._driven(many)
        wait_us = (self._between(STANDING_S if long else STANDING_SHORT_S, many) * 1_000).astype(np.int64) * 1_000
        moment = self._moments(many) + wait_us
        offence = Offence.ILLEGAL_STOPPING if planted else Offence.NONE
        speed = self._between((8.0, 20.0), many)
        self._add(_passings(moment, row, kind, self._numbers(kind), speed, offence, wait_us=wait_us))

    def section(self, many: int, planted: bool) -> None:
        """Vehicles over a whole section, its cameras passed below the threshold, the way between them taken fast."""
        stretches = self._scene.ground.stretches
        for _vehicle in range(many if stretches else 0):
            stretch = stretches[int(self._draw.integers(len(stretches)))]
            kind = int(self._driven(1)[0])
            lowest, highest = self._limits_along(stretch, kind)
            low, high = AVERAGE_OVER if planted else AVERAGE_UNDER
            share = low + (high - low) * float(self._draw.random())
            average = min((highest if planted else lowest) * share, FASTEST_KMH)
            there_us = (stretch.along * (stretch.section.length_m / average * 3_600.0)).astype(np.int64) * 1_000
            starts = self._moments(TRIES)
            green = [start for start in starts.tolist() if self._all_green(stretch, start + there_us)]
            if not green:
                continue
            kinds = np.full(len(stretch.rows), kind, np.int64)
            thresholds = self._scene.net.limits.threshold_at(stretch.rows, kinds, green[0] + there_us)
            spot = np.minimum(thresholds - self._between(BELOW_KMH, len(thresholds)), average)
            pair = np.zeros(len(stretch.rows), np.int64)
            pair[[0, -1]] = self._pair()
            flags = np.where((pair > 0) & planted, int(Offence.SECTION_SPEED), 0)
            number = np.full(len(stretch.rows), int(self._numbers(kinds[:1])[0]), np.int64)
            self._add(_passings(green[0] + there_us, stretch.rows, kinds, number, spot, flags, pair=pair))

    def two_places(self, many: int, planted: bool) -> None:
        """One plate at two places: of two vehicles, or of one that had the time to drive there."""
        ground = self._scene.ground
        for _vehicle in range(many if len(ground.reading_rows) else 0):
            rows = ground.reading_rows[self._draw.integers(len(ground.reading_rows), size=(TRIES, 2))]
            apart_m = np.hypot(
                ground.east_m[rows[:, 0]] - ground.east_m[rows[:, 1]],
                ground.north_m[rows[:, 0]] - ground.north_m[rows[:, 1]],
            )
            far = np.flatnonzero(apart_m >= APART_M)
            if not len(far):
                continue
            row, distance_m = rows[far[0]], float(apart_m[far[0]])
            speed = float(self._between(CLONED_KMH if planted else DRIVEN_KMH, 1)[0])
            there_us = round(distance_m / speed * 3_600.0) * 1_000
            # Two vehicles are seen again and again, each where it is; one vehicle is seen here, and then there.
            times = SEEN_TIMES if planted else 1
            kind = self._driven(1).repeat(2 * times)
            rounds = np.arange(times, dtype=np.int64).repeat(2) * ROUND_US
            moment = self._moments(1) + rounds + np.tile(np.array([0, there_us], np.int64), times)
            row = np.tile(row, times)
            pair = np.full(len(row), self._pair(), np.int64)
            offence = Offence.CLONED_PLATE if planted else Offence.NONE
            usual = 0.6 * self._scene.net.limits.limit_at(row, kind, moment)
            number = self._numbers(kind[:1]).repeat(len(row))
            self._add(_passings(moment, row, kind, number, usual, offence, pair=pair))

    def _add(self, passed: Passings) -> None:
        """Keep what was planted, each in a lane of its road."""
        net = self._scene.net
        place = (self._draw.random(len(passed)) * net.lane_count[passed.row]).astype(np.int64)
        passed.lane[:] = net.lanes[passed.row, place]
        self._parts.append(passed)

    def _all_green(self, stretch: Stretch, moment_us: Ints) -> bool:
        plan = self._scene.plan[stretch.rows]
        held = plan >= 0
        since = since_green_us(self._scene.plans, plan[held], moment_us[held])
        green = self._scene.plans.length_us[plan[held]]
        return bool(((since < green) & (red_for_us(self._scene.plans, plan[held], since) < 0)).all())

    def _limits_along(self, stretch: Stretch, kind: int) -> tuple[float, float]:
        """Lowest limit and highest threshold at a section's cameras, whenever one who starts in this block is there."""
        limits, begin_us = self._scene.net.limits, self._scene.start_us
        where = np.ix_(limits.during(begin_us, begin_us + 2 * self._scene.length_us), stretch.rows)
        return float(limits.limits_kmh[..., kind][where].min()), float(limits.thresholds_kmh[..., kind][where].max())

    def _driven(self, many: int) -> Ints:
        return np.array(DRIVEN, np.int64)[self._draw.integers(len(DRIVEN), size=many)]

    def _between(self, band: tuple[float, float], many: int) -> Floats:
        return band[0] + (band[1] - band[0]) * self._draw.random(many)

    def _moments(self, many: int) -> Ints:
        """Somewhere in the block, whole milliseconds."""
        inside = (self._draw.random(many) * (self._scene.length_us // 1_000)).astype(np.int64) * 1_000
        moments: Ints = self._scene.start_us + inside
        return moments

    def _numbers(self, kind: Ints) -> Ints:
        """New vehicles of these classes."""
        first = FIRST_NUMBER + self._scene.block % BLOCKS_APART * MOST_A_BLOCK + self._made % MOST_A_BLOCK
        self._made += len(kind)
        numbers: Ints = (kind << 40) | (first + np.arange(len(kind)))
        return numbers

    def _pair(self) -> int:
        """A number for two passings that belong together: unique in the city's life."""
        self._made += 1
        return self._scene.block * MOST_A_BLOCK + self._made % MOST_A_BLOCK


def _passings(
    event_us: Ints,
    row: Ints,
    kind: Ints,
    number: Ints | None = None,
    speed_kmh: Floats | None = None,
    offence: Ints | Offence = Offence.NONE,
    wait_us: Ints | None = None,
    pair: Ints | None = None,
) -> Passings:
    none = np.zeros(len(event_us), np.int64)
    return Passings(
        event_us=event_us,
        row=row,
        lane=none.copy(),
        vehicle_class=kind,
        vehicle=none if number is None else number,
        speed_kmh=np.zeros(len(event_us)) if speed_kmh is None else np.round(speed_kmh, 1),
        wait_us=none if wait_us is None else wait_us,
        red_us=none,
        offence=none + (int(offence) if isinstance(offence, Offence) else offence),
        pair=none if pair is None else pair,
    )
