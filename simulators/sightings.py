"""What cameras say of the vehicles past them: the columns of a passage, before a device numbers and sends it.

A camera says no more than it can: one that faces the front reads no motorcycle plate, one that measures no speed
reports none, and one that only counts reports no passage at all.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.columns import PASSAGE, Columns
from contracts.records import Colour, Helmet, VehicleClass
from simulators.chance import Draw, Floats, Ints, number63, uniform
from simulators.classes import CLASSES
from simulators.offences import Offence
from simulators.passings import Passings
from simulators.plates import Read, read_plates, read_states
from simulators.roads import Network
from simulators.troubles import Troubles
from simulators.world import ORDERLY, World

CLASS_CODES: Final = np.array([int(vehicle) for vehicle in CLASSES], np.int16)
"""The vocabulary's code of each class index."""
_COLOURS: Final = np.array(
    [Colour.WHITE, Colour.BLACK, Colour.GREY, Colour.SILVER, Colour.RED, Colour.BLUE, Colour.BROWN, Colour.GREEN,
     Colour.YELLOW, Colour.ORANGE, Colour.PINK],
    np.int16,
)  # fmt: skip
_COLOUR_UP_TO: Final = np.cumsum([0.34, 0.20, 0.12, 0.11, 0.08, 0.07, 0.03, 0.02, 0.015, 0.01])
"""Shares of colours on Thai roads, our estimate: white leads."""
TWO_RIDERS_SHARE: Final = 0.24
UNSEEN_HELMET_SHARE: Final = 0.06
"""Helmets that a camera cannot judge; never those of a planted offence, so that the truth can be found."""
MOST_RIDERS: Final = 2
"""A rider and one passenger; one more is an offence."""
FOUR_OF_THREE: Final = 0.15
"""Of those who are too many, so many are four."""
BOTH: Final = 3
"""The two directions, forward and backward, together."""
VIEW_M: Final = 20.0
"""Length of road in the picture: a vehicle dwells in it for this over its speed."""

MOTORCYCLE: Final = CLASSES.index(VehicleClass.MOTORCYCLE)


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Passages as cameras see them; arrays of one length, `plates` parallel to them.

    `device`: registry number; `camera`: index into the network's cameras. `event_us`: by the camera's clock.
    The truth, which no camera says: `offence`, `pair` (`passings.Passings`), `plate_truth` (`plates.ReadState`) and
    `mistrusted` (`troubles.Troubles.mistrusted`).
    Codes are those of `contracts.records`; `riders` is -1 and `speed_kmh` NaN where there is nothing to say.
    """

    event_us: Ints
    received_us: Ints
    camera: Ints
    device: Ints
    lane: Ints
    direction: Ints
    vehicle: Columns
    colour: Columns
    speed_kmh: Floats
    dwell_s: Floats
    track: Ints
    helmet: Columns
    riders: Columns
    plates: list[Read | None]
    plate_truth: Ints
    offence: Ints
    pair: Ints
    mistrusted: Ints
    limit_kmh: Floats
    red_us: Ints

    def __len__(self) -> int:
        return len(self.event_us)


def sight(
    net: Network,
    passed: Passings,
    seed: int,
    received_us: Ints,
    world: World = ORDERLY,
    troubles: Troubles | None = None,
) -> Sightings:
    """What the cameras that report every vehicle say of these passings, in their order.

    `received_us`: when it arrives, int64 parallel to the passings. `troubles`: of the network's cameras.
    """
    chosen = np.flatnonzero(net.reports[passed.row])
    seen = passed.pick(chosen)
    row, kind = seen.row, seen.vehicle_class
    camera = net.camera[row]
    ridden = kind == MOTORCYCLE
    riders = np.where(ridden, _riders(seen, seed, world.rates.overloaded_share), -1).astype(np.int16)
    against = (seen.offence & int(Offence.WRONG_WAY)) > 0
    fronts = np.where(against, net.rear[row], net.front[row])
    places = np.flatnonzero(net.reads[row] & ~(ridden & fronts))
    dirty = troubles.dirty(camera, seen.event_us) if troubles else np.zeros(len(seen), np.bool_)
    states = np.zeros(len(seen), np.int64)
    states[places] = read_states(
        seen.vehicle[places], seen.event_us[places], seed, world.reader, seen.pair[places] > 0, dirty[places]
    )
    plates: list[Read | None] = [None] * len(seen)
    reads = read_plates(seen.vehicle[places], seen.event_us[places], seed, states[places])
    for place, read in zip(places.tolist(), reads, strict=True):
        plates[place] = read
    off_us = troubles.clock_us(camera, seen.event_us) if troubles else np.zeros(len(seen), np.int64)
    return Sightings(
        event_us=seen.event_us + off_us,
        received_us=received_us[chosen],
        camera=camera,
        device=net.device_no[row],
        lane=seen.lane,
        direction=np.where(against, BOTH - net.direction[row], net.direction[row]),
        vehicle=CLASS_CODES[kind],
        colour=_COLOURS[np.searchsorted(_COLOUR_UP_TO, uniform(seed, Draw.COLOUR, seen.vehicle), side="right")],
        speed_kmh=np.where(net.measures[row], seen.speed_kmh, np.nan),
        dwell_s=np.round(VIEW_M * 3.6 / seen.speed_kmh + seen.wait_us / 1e6, 1),
        track=number63(seed, Draw.TRACK, camera, seen.event_us, seen.vehicle),
        helmet=_helmets(seen, ridden, riders, seed),
        riders=riders,
        plates=plates,
        plate_truth=states,
        offence=seen.offence | np.where(riders > MOST_RIDERS, int(Offence.OVERLOADED), 0),
        pair=seen.pair,
        mistrusted=troubles.mistrusted(camera, seen.event_us) if troubles else np.zeros(len(seen), np.int64),
        limit_kmh=net.limits.limit_at(row, kind, seen.event_us),
        red_us=seen.red_us,
    )


def passage_rows(seen: Sightings) -> Columns:
    """`PASSAGE` rows without their identity and without plates: those are sealed by whoever keeps the keys."""
    rows = np.zeros(len(seen), PASSAGE)
    told = (
        "event_us",
        "received_us",
        "device",
        "lane",
        "direction",
        "vehicle",
        "colour",
        "speed_kmh",
        "dwell_s",
        "track",
    )
    for name in (*told, "helmet", "riders"):
        rows[name] = getattr(seen, name)
    rows["plate_confidence"], rows["plate_day"] = np.nan, -1
    return rows


def _riders(seen: Passings, seed: int, overloaded_share: float) -> Ints:
    """1 to 4 people, the same along a journey: a property of the vehicle."""
    chance = uniform(seed, Draw.RIDERS, seen.vehicle)
    riders: Ints = 1 + (chance < TWO_RIDERS_SHARE + overloaded_share).astype(np.int64)
    riders += chance < overloaded_share
    riders += chance < overloaded_share * FOUR_OF_THREE
    return riders


def _helmets(seen: Passings, ridden: Columns, riders: Columns, seed: int) -> Columns:
    chance = uniform(seed, Draw.HELMET, seen.vehicle, seen.event_us)
    worn = np.where(chance < UNSEEN_HELMET_SHARE, int(Helmet.UNKNOWN), int(Helmet.ALL))
    alone = np.where(riders > 1, int(Helmet.NONE), int(Helmet.RIDER_BARE))
    by_chance = np.where((riders > 1) & (chance < 0.5), int(Helmet.PASSENGER_BARE), alone)
    bare = (seen.offence & int(Offence.NO_HELMET)) > 0
    helmet: Columns = np.where(ridden, np.where(bare, by_chance, worn), int(Helmet.UNKNOWN)).astype(np.int16)
    return helmet
