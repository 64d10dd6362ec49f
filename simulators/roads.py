"""The roads as traffic sees them: a row for each camera and direction, and which row a vehicle meets next.

Vehicles that have passed one camera may drive on to the next, and so counts, passages and average speeds agree.
Everything here is made once from the city, for a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.city import City
from contracts.devices import Device
from contracts.topics import Kind
from simulators.chains import View, link, views_of
from simulators.chance import Floats, Ints
from simulators.demand import daily_vehicles, rhythm_of
from simulators.limits import Limits, limits_of
from simulators.simulated import cameras_of

STAY_WITHIN: Final = 0.985
"""Share of vehicles that drive on to the next camera of the same stretch: few turn off between junctions."""
STAY_ACROSS: Final = 0.72
"""Share that drives on over a junction into the next stretch of the road."""
LEAST_ENTRY: Final = 0.06
"""Least share of a camera's vehicles that have joined the road since the camera before it."""
DEFAULT_FLOW_KMH: Final = 50.0
"""Free speed past a camera that stands on no known stretch."""
REPORTING: Final = frozenset({"speed", "red_light", "plate"})
"""A camera with one of these functions reports every vehicle; the others only count."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Rows of (camera, direction). Arrays are (rows,), except where they say otherwise.

    `follows`: the next row, -1 at the end of a road; `leg_m`, `stay`: the way to it and the share that goes.
    `vehicles_per_day`: past the camera on a mean day; `entering_per_day`: those that join the road here.
    `limits`: of speed, by row, class and moment. `lanes`: int64 (rows, most lanes), padded with -1.
    `group`: of the signal that holds the row, -1 for none. `reports`: every vehicle, not only counts; `measures`:
    speed; `reads`: plates; `front`, `rear`: sees vehicles from that end alone.
    """

    cameras: tuple[Device, ...]
    camera: Ints
    device_no: Ints
    direction: Ints
    follows: Ints
    leg_m: Floats
    stay: Floats
    vehicles_per_day: Floats
    entering_per_day: Floats
    rhythm: Ints
    free_kmh: Floats
    limits: Limits
    lanes: Ints
    lane_count: Ints
    group: Ints
    reports: Mask
    measures: Mask
    watches_red: Mask
    reads: Mask
    front: Mask
    rear: Mask


def build_network(city: City, day_ordinal: int) -> Network:
    """The network of a city as it is on a day (`date.toordinal()`): limits have dates."""
    cameras = cameras_of(city)
    views = views_of(cameras, city.segments)
    follows, leg_m = link(views)
    demand = np.array([daily_vehicles(view.segment, view.device, view.direction) for view in views])
    stay, entering = _balance(follows, _stay(views, follows), demand)
    most = max((len(view.lanes) for view in views), default=1)
    padded = [(*view.lanes, *([-1] * (most - len(view.lanes)))) for view in views]
    reports = _mask(
        bool(REPORTING & set(view.device.functions)) and Kind.PASSAGE in view.device.kinds for view in views
    )
    return Network(
        cameras=cameras,
        camera=_ints(view.camera for view in views),
        device_no=_ints(view.device.no for view in views),
        direction=_ints(view.direction for view in views),
        follows=_ints(follows),
        leg_m=np.array(leg_m),
        stay=stay,
        vehicles_per_day=demand,
        entering_per_day=entering,
        rhythm=_ints(rhythm_of(view.segment, view.device) for view in views),
        free_kmh=np.array([view.segment.free_flow_kmh if view.segment else DEFAULT_FLOW_KMH for view in views]),
        limits=limits_of(city, views, day_ordinal),
        lanes=np.array(padded, np.int64).reshape(len(views), most),
        lane_count=_ints(len(view.lanes) for view in views),
        group=_ints(view.group for view in views),
        reports=reports,
        measures=_mask("speed" in view.device.functions for view in views),
        watches_red=_mask("red_light" in view.device.functions for view in views),
        reads=reports & _mask(view.device.faces != "none" for view in views),
        front=_mask(view.device.faces == "front" for view in views),
        rear=_mask(view.device.faces == "rear" for view in views),
    )


def _ints(values: Iterable[int]) -> Ints:
    return np.array([int(value) for value in values], np.int64)


def _mask(values: Iterable[bool]) -> Mask:
    return np.array(list(values), np.bool_)


def _stay(views: list[View], follows: list[int]) -> Floats:
    """Share of each row's vehicles that would drive on: more within a stretch than over a junction."""
    same = [f >= 0 and views[f].segment is view.segment for view, f in zip(views, follows, strict=True)]
    return np.where(_mask(same), STAY_WITHIN, STAY_ACROSS)


def _balance(follows: list[int], stay: Floats, demand: Floats) -> tuple[Floats, Floats]:
    """Shares that drive on and vehicles that join, so that each row meets its demand."""
    stay, entering = stay.copy(), demand.copy()
    for row, following in enumerate(follows):
        if following < 0:
            stay[row] = 0.0
            continue
        stay[row] = min(stay[row], (1.0 - LEAST_ENTRY) * demand[following] / demand[row])
        entering[following] = demand[following] - stay[row] * demand[row]
    return stay, entering
