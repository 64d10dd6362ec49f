"""Where cameras stand: on the stretches of the plan and on the approaches of its junctions; and their call signs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cities.build.network import Place, Stretch
from cities.build.plane import Point, along, bearing_deg, distance_m

STOP_LINE_M: Final = 25.0
"""A camera on an approach stands this far before the middle of its junction."""
LEAVING_M: Final = 45.0
"""A camera on the leaving side, so that it does not stand in the other's picture."""
OVERLAP_M: Final = 15.0
"""Two cameras closer than this on one stretch are moved apart: they stand on masts of their own."""
SOURCE_2013: Final = "fixed speed camera of 2013, press [S]"
SOURCE_2017: Final = "Safer Roads Foundation camera set, live 16 Feb 2017, press [S]"
SOURCE_PLANNED: Final = "planned position on the road line of the basemap"
FORWARD: Final = "forward"
BACKWARD: Final = "backward"


@dataclass(frozen=True)
class Spot:
    """A camera before it has its call sign: where it stands on which stretch, what it watches and what for."""

    stretch: Stretch
    place_m: float
    directions: tuple[str, ...]
    functions: tuple[str, ...]
    faces: str
    junction: str = ""
    group: int = 0
    at: str = ""
    at_th: str = ""
    source: str = SOURCE_PLANNED
    verified: bool = False
    note: str = ""


def on_stretches(stretches: Iterable[Stretch]) -> list[Spot]:
    """The cameras between junctions."""
    spots = []
    for stretch in stretches:
        plan, length = stretch.plan, stretch.length_m
        fixed_2013 = plan.get("site_2013", "")
        for number, (share, direction, faces) in enumerate(plan.get("speed", ())):
            known = bool(fixed_2013) and number == 0
            spots.append(
                Spot(
                    stretch,
                    share * length,
                    (direction,),
                    ("speed", "plate", "count"),
                    faces,
                    source=SOURCE_2013 if known else SOURCE_PLANNED,
                    note=f"fixed site of 2013: {fixed_2013}; place on the road unverified" if known else "",
                )
            )
        for share, direction in plan.get("plate", ()):
            spots.append(Spot(stretch, share * length, (direction,), ("plate", "count"), "rear"))
        for share in plan.get("count", ()):
            spots.append(Spot(stretch, share * length, (FORWARD, BACKWARD), ("count",), "both"))
    return spots


def at_junctions(plan: Mapping[str, Any], points: Mapping[str, Place], stretches: Iterable[Stretch]) -> list[Spot]:
    """The cameras on the approaches of junctions, signal groups counted in the order of bearing."""
    spots = []
    drawn = list(stretches)
    for junction in plan["junctions"]:
        point = points[junction["at"]]
        approaches = approaches_of(point, drawn)
        for number in range(junction["cameras"]):
            if number < len(approaches):
                stretch, direction = approaches[number]
                spots.append(_approach(junction, point, stretch, direction, number + 1))
            else:
                stretch, direction = approaches[number - len(approaches)]
                spots.append(_leaving(junction, point, stretch, direction))
    return spots


def approaches_of(point: Place, stretches: Iterable[Stretch]) -> list[tuple[Stretch, str]]:
    """Stretches that end at a junction, with the direction that enters it, by compass bearing."""
    found = []
    for stretch in stretches:
        if stretch.end == point:
            found.append((bearing_deg(stretch.line, stretch.length_m - STOP_LINE_M), stretch.id, stretch, FORWARD))
        if stretch.start == point:
            facing = (bearing_deg(stretch.line, STOP_LINE_M) + 180) % 360
            found.append((facing, stretch.id, stretch, BACKWARD))
    return [(stretch, direction) for _, _, stretch, direction in sorted(found, key=lambda one: one[:2])]


def _approach(junction: Mapping[str, Any], point: Place, stretch: Stretch, direction: str, group: int) -> Spot:
    known = junction.get("site_2017", False)
    lights = junction.get("signal", True)
    functions: tuple[str, ...] = ("plate", "count")
    if lights:
        functions = ("speed", "red_light", "plate", "count") if known else ("red_light", "plate", "count")
    return Spot(
        stretch,
        stretch.length_m - STOP_LINE_M if direction == FORWARD else STOP_LINE_M,
        (direction,),
        functions,
        "rear",
        junction=junction["id"],
        group=group if lights else 0,
        at=point.name_en,
        at_th=point.name_th,
        source=SOURCE_2017 if known else SOURCE_PLANNED,
        verified=known and point.verified,
        note=_note(known, point),
    )


def _leaving(junction: Mapping[str, Any], point: Place, stretch: Stretch, entering: str) -> Spot:
    known = junction.get("site_2017", False)
    return Spot(
        stretch,
        stretch.length_m - LEAVING_M if entering == FORWARD else LEAVING_M,
        (BACKWARD if entering == FORWARD else FORWARD,),
        ("plate", "count"),
        "rear",
        junction=junction["id"],
        at=point.name_en,
        at_th=point.name_th,
        source=SOURCE_2017 if known else SOURCE_PLANNED,
        verified=known and point.verified,
        note=_note(known, point),
    )


def _note(known: bool, point: Place) -> str:
    if not known:
        return ""
    if point.verified:
        return "junction of 2017; which approach each of its three cameras watches is our choice"
    return "junction of 2017; position approximate, and which approach each camera watches is our choice"


def placed(spots: Iterable[Spot]) -> list[tuple[Spot, Point]]:
    """Spots in order along each road, no two of them on one mast."""
    kept: list[tuple[Spot, Point]] = []
    for spot in sorted(spots, key=lambda one: (one.place_m, one.functions, one.directions)):
        place_m = spot.place_m
        while any(
            other.stretch.id == spot.stretch.id and distance_m(point, along(spot.stretch.line, place_m)) < OVERLAP_M
            for other, point in kept
        ):
            place_m += OVERLAP_M
        kept.append((replace(spot, place_m=place_m), along(spot.stretch.line, place_m)))
    return kept


def numbered(kept: Iterable[tuple[Spot, Point]], stretches: Iterable[Stretch]) -> list[tuple[str, Spot, Point]]:
    """Call signs: the road, then a number that rises along it, forward. `402-07`."""
    order = {stretch.id: place for place, stretch in enumerate(stretches)}
    counts: dict[str, int] = {}
    found = []
    for spot, point in sorted(kept, key=lambda one: (order[one[0].stretch.id], one[0].place_m, one[0].functions)):
        road = str(spot.stretch.plan["road"])
        counts[road] = counts.get(road, 0) + 1
        found.append((f"{road}-{counts[road]:02}", spot, point))
    return found
