"""The city files come from the plan: building again changes no byte, and a mistake in the plan is named."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from cities.build.__main__ import build
from cities.build.basemap import Roads
from cities.build.plane import along, bearing_deg, distance_m, inside, length_m, simplified
from cities.build.toml import rows, tables

CITIES: Final = Path(__file__).parents[2] / "cities"


def test_building_the_city_again_changes_no_byte() -> None:
    for name, content in build("phuket").items():
        assert (CITIES / "phuket" / name).read_text("utf-8") == content, (
            f"{name} differs: run python -m cities.build phuket"
        )


def test_a_plan_that_leaves_the_road_is_refused(tmp_path: Path) -> None:
    shutil.copytree(CITIES / "plans", tmp_path / "plans")
    shutil.copytree(CITIES / "phuket" / "basemap", tmp_path / "phuket" / "basemap")
    plan = tmp_path / "plans" / "phuket.toml"
    text = plan.read_text("utf-8")
    assert "at = [98.3078, 8.15763]" in text
    plan.write_text(text.replace("at = [98.3078, 8.15763]", "at = [98.2, 8.15763]"), "utf-8")
    with pytest.raises(ValueError, match="look at the plan"):
        build("phuket", tmp_path)


def test_a_hundredth_of_a_degree_north_is_1106_metres() -> None:
    assert distance_m((98.3, 7.98), (98.3, 7.99)) == pytest.approx(1106, abs=1)
    assert distance_m((98.3, 7.98), (98.31, 7.98)) == pytest.approx(1102, abs=2)


def test_a_place_on_a_line_is_found_by_metres() -> None:
    line = [(98.3, 7.98), (98.3, 7.99), (98.31, 7.99)]
    assert along(line, length_m(line) + 100) == (98.31, 7.99)
    assert along(line, -5) == (98.3, 7.98)
    lon, lat = along(line, 553)
    assert lon == 98.3
    assert lat == pytest.approx(7.985)


def test_bearings_count_clockwise_from_north() -> None:
    assert bearing_deg([(98.3, 7.98), (98.3, 7.99)], 500) == pytest.approx(0)
    assert bearing_deg([(98.3, 7.98), (98.31, 7.98)], 500) == pytest.approx(90)
    assert bearing_deg([(98.3, 7.99), (98.3, 7.98)], 500) == pytest.approx(180)


def test_a_simplified_line_keeps_its_ends_and_its_corners() -> None:
    corner = [(98.3, 7.98), (98.3, 7.985), (98.3, 7.99), (98.305, 7.99), (98.31, 7.99)]
    assert simplified(corner, 4.0) == [(98.3, 7.98), (98.3, 7.99), (98.31, 7.99)]


def test_a_ring_holds_its_inside_alone() -> None:
    ring = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]
    assert inside((1.0, 1.0), ring)
    assert not inside((3.0, 1.0), ring)


def test_a_way_keeps_to_the_named_road() -> None:
    roads = Roads()
    roads.add([(98.3, 7.98), (98.302, 7.98)], "short", "")
    roads.add([(98.3, 7.98), (98.301, 7.9812), (98.302, 7.98)], "long", "")
    roads.join()
    assert (98.301, 7.9812) in roads.way((98.3, 7.98), (98.302, 7.98), frozenset({"long"}))
    assert (98.301, 7.9812) not in roads.way((98.3, 7.98), (98.302, 7.98), frozenset({"short"}))


def test_toml_quotes_what_it_has_to() -> None:
    assert tables("a", [{"text": 'a "b" \\', "yes": True, "list": [1, 2.5]}]) == (
        '\n[[a]]\ntext = "a \\"b\\" \\\\"\nyes = true\nlist = [1, 2.5]\n'
    )
    assert rows("a", [{"x": 1}]) == "\na = [\n  { x = 1 },\n]\n"
    with pytest.raises(TypeError):
        tables("a", [{"nothing": None}])
