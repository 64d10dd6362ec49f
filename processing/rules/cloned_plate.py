"""A plate seen in two places that no vehicle can travel between in that time: one of them may be a copy.

What is measured is the speed along the straight line, with all doubts against the finding: the distance less what
positions and the flat map may be wrong by, the time plus what both clocks may be wrong by. Only clear reads count. It
is a suspicion about a plate, never about whoever drives with it: not chargeable, always for a person to look at. As
long as the plate goes on being seen, its sightings belong to the same finding.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.clock import SECOND_US, to_iso
from contracts.columns import Batch
from contracts.findings import Because
from contracts.records import Colour, TimeQuality, VehicleClass
from contracts.rules import Rule
from processing.cases.case import PLATE_CLEAR, Case, case
from processing.cases.passing import Passing
from processing.compiled import Compiled
from processing.kernels.ordering import LAG_US
from processing.kernels.sightings import FACTS, NOBODY, PLAIN, TAG, TAG_MASK, travel
from processing.order.ordering import Groups, Heard, Offer, groups_of, take
from processing.order.sightings import Sightings, passage_of, values_of
from processing.said import Said
from processing.state import State, grown

KIND: Final = "cloned_plate"
POSSIBLE_CLONE: Final = "possible_clone"
"""The reason why it is not chargeable."""
M_PER_DEGREE: Final = 111_195.08
"""Of a great circle on a sphere of 6,371.009 km, the mean radius of the Earth (IUGG)."""
FLAT_SHARE: Final = 0.005
"""What the flat map may be wrong by: over half a degree of latitude near 8 degrees north the length of a degree of
longitude changes by 0.15 %, and the sphere differs from the ellipsoid by 0.3 % (0.67 % at most, along a meridian)."""
KMH_IN_M_PER_US: Final = 1.0 / 3.6 / SECOND_US


@dataclass(frozen=True, slots=True)
class Map:
    """The cameras that read plates, one group of them all, and where they stand on a plane, metres east and north; NaN
    for a number that the city has no device of."""

    groups: Groups
    reads: npt.NDArray[np.bool_]
    places_m: npt.NDArray[np.float64]
    widest_m: float


def judge(state: State, compiled: Compiled, batch: Batch, seen: Passing, heard: Heard, said: Said) -> None:
    """The suspicions that this batch decides."""
    memory, rules = state.part(KIND, Sightings), compiled.rules_of(KIND)
    plan = compiled.table(_map)
    if not rules or not plan.groups.keys.size:
        state.parts.pop(KIND)
        return
    rule = rules[0]
    taken = take(memory, heard, plan.groups, _offer(plan, seen))
    if not taken.rows.size:
        return
    params = rule.params
    fastest = params["fastest_kmh"] * KMH_IN_M_PER_US
    figures = np.array([
        fastest, params["least_km"] * 1_000.0, 2 * params["position_uncertainty_m"], FLAT_SHARE,
        2 * round(params["clock_uncertainty_s"] * SECOND_US),
    ])  # fmt: skip
    horizon_us = int(plan.widest_m / fastest) + 1
    keep_us = horizon_us + LAG_US + round(params["keep_s"] * SECOND_US)
    partner, values = np.empty(taken.rows.size, np.int64), values_of(taken, taken.rows["device"])
    bounds = memory.make_room(values, PLAIN, keep_us, horizon_us)
    # A camera that has left the city may stand in what is remembered: where it stood nobody knows any more.
    places_m = grown(plan.places_m, 2 * state.size, np.nan)
    travel(memory.nodes, memory.head, bounds, values, places_m, figures, partner)
    for row in np.flatnonzero(partner != NOBODY).tolist():
        node, one = memory.nodes[partner[row] * PLAIN :][:PLAIN], taken.record(row)
        other = passage_of(node, int(node[FACTS] >> TAG & TAG_MASK), one)
        reads = sorted((one, other), key=lambda read: (int(read["event_us"]), int(read["device"])))
        said.cases.append(_case(compiled, rule, plan, (reads[0], reads[1]), int(taken.rows["out_us"][row])))
    memory.forget(PLAIN, keep_us, heard.last_tick_us)


def _map(compiled: Compiled) -> Map:
    reads = np.zeros(compiled.size, np.bool_)
    places = np.full((compiled.size, 2), np.nan)
    share = _cosine(compiled.city)
    for no, device in compiled.devices.items():
        reads[no] = "plate" in device.functions
        places[no] = (device.lon - compiled.city.lon) * share, device.lat - compiled.city.lat
    places *= M_PER_DEGREE
    members = np.flatnonzero(reads).tolist()
    groups = groups_of({0: members} if len(members) > 1 else {})
    spread = places[reads].max(axis=0) - places[reads].min(axis=0) if members else np.zeros(2)
    return Map(groups, reads, places.ravel(), float(np.sqrt(spread[0] * spread[0] + spread[1] * spread[1])))


def _cosine(city: City) -> float:
    """Cosine of the city's latitude by its Taylor series, the same on any machine; up to 60 degrees 1e-9 wrong."""
    square = (city.lat * 3.141592653589793 / 180.0) ** 2
    value, term = 1.0, 1.0
    for step in range(1, 9):
        term *= -square / ((2 * step - 1) * (2 * step))
        value += term
    return value


def _offer(plan: Map, seen: Passing) -> Offer:
    """The batch's clear reads; only with the camera's own time."""
    ours = np.flatnonzero((seen.plate_state == PLATE_CLEAR) & (seen.quality == TimeQuality.DEVICE))
    ours = ours[plan.reads[seen.device[ours]]]
    return Offer("passages", seen.rows, seen, ours, np.zeros(ours.size, np.int64))


def _case(compiled: Compiled, rule: Rule, plan: Map, reads: tuple[Any, Any], tick_us: int) -> Case:
    first, second = reads
    devices = [compiled.devices[int(read["device"])] for read in reads]
    east, north = (plan.places_m.reshape(-1, 2)[devices[1].no] - plan.places_m.reshape(-1, 2)[devices[0].no]).tolist()
    params, distance_m = rule.params, float(np.sqrt(east * east + north * north))
    travel_s, unsure_s = int(second["event_us"] - first["event_us"]) / SECOND_US, 2 * params["clock_uncertainty_s"]
    least_m = distance_m * (1.0 - FLAT_SHARE) - 2 * params["position_uncertainty_m"]
    speed, fastest = least_m / (travel_s + unsure_s) * 3.6, params["fastest_kmh"]
    because = Because(
        measured=speed,
        limit=fastest,
        threshold=fastest,
        margin=speed - fastest,
        unit="km/h",
        needed=f"speed_kmh <= {fastest:g}",
        source=rule.law,
        inputs={
            "speed_kmh": speed,
            "fastest_kmh": fastest,
            "distance_m": distance_m,
            "travel_s": travel_s,
            "position_uncertainty_m": distance_m - least_m,
            "clock_uncertainty_s": unsure_s,
            "first_device": devices[0].id,
            "first_seen_at": to_iso(int(first["event_us"])),
            "first_class": VehicleClass(int(first["vehicle"])).name.lower(),
            "first_colour": Colour(int(first["colour"])).name.lower(),
            "second_device": devices[1].id,
        },
    )
    made = case(compiled, rule, KIND, second, because, first, tick_us=tick_us)
    return replace(made, violation=msgspec.structs.replace(made.violation, chargeable=False, reason=POSSIBLE_CLONE))
