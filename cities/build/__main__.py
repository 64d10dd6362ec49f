"""`python -m cities.build phuket`: writes zones, roads, cameras and stations of a city from its plan and basemap.

What people decide by hand (metrics, rules, alarm responses, retention) stands in files of its own and is not touched.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from cities.build import cameras, network, spots, stations, toml
from cities.build.basemap import Zone, features, read_places, read_roads, read_zones

CITIES: Final = Path(__file__).resolve().parent.parent
HEAD: Final = "# Written by `python -m cities.build {city}` from its plan and its basemap: change those.\n"
ODBL: Final = "# Positions follow road lines © OpenStreetMap contributors, ODbL 1.0.\n"


def build(city: str, root: Path = CITIES) -> dict[str, str]:
    """The files of a city by name. Same plan and basemap, same bytes."""
    plan = tomllib.loads((root / "plans" / f"{city}.toml").read_text("utf-8"))
    plan_stations = tomllib.loads((root / "plans" / f"{city}_stations.toml").read_text("utf-8"))
    basemap = root / city / "basemap"
    zones = [(slug(zone.properties["name_en"]), zone) for zone in read_zones(basemap)]
    places = read_places(basemap)
    points = network.read_points(plan, places)
    stretches = network.draw(plan, points, read_roads(basemap), zones)
    watched = spots.on_stretches(stretches) + spots.at_junctions(plan, points, stretches)
    named = spots.numbered(spots.placed(watched), stretches)
    regimes, thai = plan["regimes"], plan["thai"]
    limits = [entry for stretch in stretches for entry in network.limit_entries(stretch, regimes)]
    head = HEAD.format(city=city)
    return {
        "zones.toml": head
        + toml.tables("zones", _zone_entries(basemap, zones))
        + toml.tables("police_stations", _police_entries(places)),
        "roads.toml": head
        + ODBL
        + toml.rows("limits", limits)
        + toml.tables("segments", (network.segment_entry(stretch, regimes) for stretch in stretches))
        + toml.tables("sections", cameras.section_entries(named, thai)),
        "cameras.toml": head
        + ODBL
        + toml.tables(
            "devices",
            (
                cameras.camera_entry(call_sign, spot, point, zones, thai, place)
                for place, (call_sign, spot, point) in enumerate(named)
            ),
        ),
        "stations.toml": head
        + toml.tables("devices", (stations.station_entry(one, zones) for one in plan_stations["stations"])),
    }


def slug(name: str) -> str:
    """The id of a place by its English name. Pa Tong is written Patong, as everybody does."""
    return {"Pa Tong": "patong"}.get(name, name.lower().replace(" ", "-"))


def _zone_entries(basemap: Path, zones: list[tuple[str, Zone]]) -> list[dict[str, Any]]:
    districts = [feature["properties"] for feature in features(basemap / "districts.geojson")]
    ids = {district["pcode"]: f"{slug(district['name_en'])}-district" for district in districts}
    entries = [_zone(ids[district["pcode"]], "district", district) for district in districts]
    for zone_id, zone in zones:
        entry = _zone(zone_id, "subdistrict", zone.properties)
        entries.append({**entry, "parent": ids[zone.properties["district_pcode"]]})
    return entries


def _zone(zone_id: str, level: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": zone_id,
        "level": level,
        "name_en": properties["name_en"].replace("Pa Tong", "Patong"),
        "name_th": properties["name_th"],
        "pcode": properties["pcode"],
        "lon": properties["label_lon"],
        "lat": properties["label_lat"],
    }


def _police_entries(places: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": place["id"].removeprefix("p-") + "-police",
            "name_en": place["name_en"],
            "name_th": place["name_th"],
            "lon": place["at"][0],
            "lat": place["at"][1],
            "verified": place["verified"],
            "source": place["source"],
        }
        for place in places.values()
        if place["kind"] == "police"
    ]


def main() -> None:
    """Write the files of the city that the command line names."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m cities.build CITY")
    city = sys.argv[1]
    for name, content in build(city).items():
        (CITIES / city / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
