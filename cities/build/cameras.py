"""From the plan to cameras: on the stretches, on the approaches of junctions, and average-speed sections."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from cities.build.basemap import Zone
from cities.build.network import Place, Stretch, zone_of
from cities.build.plane import Point, along, bearing_deg, distance_m

STOP_LINE_M: Final = 25.0
"""A camera on an approach stands this far before the middle of its junction."""
LEAVING_M: Final = 45.0
"""A camera on the leaving side, so that it does not stand in the other's picture."""
OVERLAP_M: Final = 15.0
"""Two cameras closer than this on one stretch are moved apart: they stand on masts of their own."""
FIRST_CALIBRATION_ENDS: Final = date(2027, 2, 1)
CALIBRATION_STEP_DAYS: Final = 11
"""Calibrations end one after the other over a year, as a workshop would do them. Made up."""
CALIBRATION_SPREAD_DAYS: Final = 330
LANE_METRICS: Final = (
    "flow-motorcycle",
    "flow-car",
    "flow-pickup",
    "flow-van",
    "flow-bus",
    "flow-truck",
    "flow-three-wheel",
    "speed-mean",
    "occupancy",
)
COUNT_INTERVAL_S: Final = 60
FUNCTION_THAI: Final = {"speed": "วัดความเร็ว", "red_light": "ไฟแดง", "plate": "อ่านป้าย", "count": "นับรถ"}
FUNCTION_ENGLISH: Final = {"speed": "speed", "red_light": "red light", "plate": "plates", "count": "counting"}
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
        kept.append((spot, along(spot.stretch.line, place_m)))
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


def camera_entry(
    call_sign: str, spot: Spot, point: Point, zones: list[tuple[str, Zone]], thai: Mapping[str, str], place: int
) -> dict[str, Any]:
    """A camera as the city file has it."""
    lanes = int(spot.stretch.plan["lanes"])
    both = len(spot.directions) == 2
    forward = tuple(range(1, lanes + 1)) if FORWARD in spot.directions else ()
    backward = tuple(range(1, lanes + 1)) if BACKWARD in spot.directions else ()
    if both:
        backward = tuple(range(lanes + 1, 2 * lanes + 1))
    name_en, name_th = _names(spot, thai)
    entry: dict[str, Any] = {
        "id": f"cam-{call_sign}",
        "type": "camera",
        "zone": zone_of(point, zones),
        "lon": round(point[0], 5),
        "lat": round(point[1], 5),
        "name_en": name_en,
        "name_th": name_th,
        "kinds": ["counts", "passage", "status", *(["signal"] if spot.group else [])],
        "call_sign": call_sign,
        "functions": list(spot.functions),
        "faces": spot.faces,
        "segment": spot.stretch.id,
        "bearing_deg": _looks_deg(spot),
        "lanes_forward": list(forward),
        "lanes_backward": list(backward),
        "cadence_s": 60.0,
        "silent_after_s": 200.0,
        "make": "simulated",
        "serial": f"SIM-{call_sign}",
        "verified": spot.verified,
        "source": spot.source,
    }
    if spot.junction:
        entry["junction"] = spot.junction
    if spot.group:
        entry["signal_groups"] = [spot.group]
    if "speed" in spot.functions:
        days = place * CALIBRATION_STEP_DAYS % CALIBRATION_SPREAD_DAYS
        entry["calibrated_until"] = FIRST_CALIBRATION_ENDS + timedelta(days=days)
    if spot.note:
        entry["note"] = spot.note
    entry["series"] = [
        {"metric": metric, "lane": lane, "interval_s": COUNT_INTERVAL_S}
        for lane in sorted(forward + backward)
        for metric in LANE_METRICS
    ]
    return entry


def _looks_deg(spot: Spot) -> float:
    """Compass bearing of the view: with the traffic to see rears, against it to see fronts."""
    driven_deg = bearing_deg(spot.stretch.line, spot.place_m) + (180 if spot.directions == (BACKWARD,) else 0)
    return round((driven_deg + (180 if spot.faces == "front" else 0)) % 360, 1) % 360


def _names(spot: Spot, thai: Mapping[str, str]) -> tuple[str, str]:
    """The English and the Thai name: road, place, where the traffic goes, what the camera is for."""
    stretch = spot.stretch
    plan = stretch.plan
    if spot.at:
        where_en, where_th = spot.at, spot.at_th
    else:
        where_en = f"{stretch.start.name_en} – {stretch.end.name_en}"
        where_th = f"ช่วง{stretch.start.name_th}–{stretch.end.name_th}"
    use = spot.functions[0] if spot.functions[0] != "speed" or "red_light" not in spot.functions else "red_light"
    if len(spot.directions) == 2:
        towards_en, towards_th = "both directions", "สองทิศทาง"
    else:
        towards = str(plan[spot.directions[0]])
        towards_en, towards_th = f"towards {towards}", f"มุ่งหน้า{thai[towards]}"
    return (
        f"{plan['en']}, {where_en}, {towards_en} ({FUNCTION_ENGLISH[use]})",
        f"{plan['th']} {where_th} {towards_th} ({FUNCTION_THAI[use]})",
    )


def section_entries(named: Iterable[tuple[str, Spot, Point]], thai: Mapping[str, str]) -> list[dict[str, Any]]:
    """Average-speed sections between the first and the last plate-reading camera of a stretch, one way."""
    cameras = [one for one in named if one[1].functions == ("plate", "count") and not one[1].junction]
    sections = []
    for stretch in {one[1].stretch.id: one[1].stretch for one in cameras}.values():
        for direction in stretch.plan.get("sections", ()):
            ends = [one for one in cameras if one[1].stretch is stretch and one[1].directions == (direction,)]
            ends.sort(key=lambda one: one[1].place_m, reverse=direction == BACKWARD)
            entry, leave = ends[0], ends[-1]
            towards = str(stretch.plan[direction])
            sections.append(
                {
                    "id": f"section-{stretch.id}-{direction}",
                    "name_en": f"{stretch.plan['en']}, {entry[0]} to {leave[0]}, towards {towards}",
                    "name_th": f"{stretch.plan['th']} {entry[0]} ถึง {leave[0]} มุ่งหน้า{thai[towards]}",
                    "entry": f"cam-{entry[0]}",
                    "exit": f"cam-{leave[0]}",
                    "length_m": round(abs(entry[1].place_m - leave[1].place_m), 1),
                    "length_uncertainty_m": round(max(5.0, 0.01 * abs(entry[1].place_m - leave[1].place_m)), 1),
                    "verified": False,
                }
            )
    return sections
