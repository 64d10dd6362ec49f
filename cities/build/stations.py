"""From the plan to environmental stations: zone, series and cadence by type."""

from collections.abc import Mapping
from typing import Any, Final

from cities.build.basemap import Zone
from cities.build.network import zone_of

SERIES: Final[dict[str, tuple[str, ...]]] = {
    "air": ("pm2_5", "pm10", "temperature", "humidity"),
    "noise": ("laeq", "lamax"),
    "weather": (
        "temperature",
        "humidity",
        "pressure",
        "wind-speed",
        "wind-direction",
        "rain-rate",
        "solar-radiation",
    ),
    "rain": ("rain_mm",),
    "water": ("level_m",),
}
INTERVAL_S: Final = {"air": 60, "noise": 10, "weather": 30, "rain": 60, "water": 10}
"""Water and noise change within seconds (a wave, a motorcycle); a fine-dust sensor averages over a minute itself."""
SILENT_INTERVALS: Final = 4
"""A station is silent when this many samples are overdue, but not before a minute: one lost packet is no alarm."""
SILENT_MIN_S: Final = 60.0
WATER_NOTE: Final = "position and datum unverified: levels count from the gauge's own zero"
NOTE: Final = "position approximate"
SOURCE: Final = "planned site; position by name of the place"


def station_entry(plan: Mapping[str, Any], zones: list[tuple[str, Zone]]) -> dict[str, Any]:
    """A station as the city file has it."""
    kind = str(plan["id"]).rsplit("-", 1)[0]
    interval_s = INTERVAL_S[kind]
    lon, lat = plan["at"]
    note = plan.get("note", NOTE)
    if kind == "water":
        note = f"{plan['note']}; {WATER_NOTE}" if "note" in plan else WATER_NOTE
    return {
        "id": plan["id"],
        "type": kind,
        "zone": zone_of((lon, lat), zones),
        "lon": lon,
        "lat": lat,
        "name_en": plan["en"],
        "name_th": plan["th"],
        "kinds": ["readings", "status"],
        "cadence_s": float(interval_s),
        "silent_after_s": max(SILENT_MIN_S, float(SILENT_INTERVALS * interval_s)),
        "make": "simulated",
        "serial": f"SIM-{plan['id']}",
        "verified": plan.get("verified", False),
        "source": SOURCE,
        "note": note,
        "series": [{"metric": metric, "interval_s": interval_s} for metric in (*SERIES[kind], *plan.get("gases", ()))],
    }
