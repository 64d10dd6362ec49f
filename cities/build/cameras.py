"""Cameras and average-speed sections as the city file has them, from where they stand."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from cities.build.basemap import Zone
from cities.build.network import zone_of
from cities.build.plane import Point, bearing_deg
from cities.build.spots import BACKWARD, FORWARD, Spot

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
