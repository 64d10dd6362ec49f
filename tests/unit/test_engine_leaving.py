"""What a rule still holds when a city comes into force that no longer has the device, or has another section."""

import msgspec
import pytest

from contracts.city import City, check, numbered
from contracts.devices import Device
from contracts.findings import Outputs
from processing.engine import KEPT_VERSIONS, _compiled, step
from processing.state import State, from_fields, to_fields
from tests.fixtures.cases.ordered import AMBER, CONTROLLER, ENTRY, FAR, GREEN, LEAVE, RED, WATCHED, ordered_city, plate
from tests.fixtures.flow_city import LOS, SEEING, WATER, flow_city
from tests.fixtures.law_case import Told, batch_of_told
from tests.fixtures.stream import Shelf

BESIDE = 8


def told(kind: str, device: int, at_s: float, **fields: object) -> Told:
    return Told(kind, device, at_s + 0.05, at_s, round(at_s * 100), fields)


def without(city: City, number: int) -> City:
    return msgspec.structs.replace(city, devices=tuple(each for each in city.devices if each.no != number))


def found(city: City, later: City, records: list[Told], changes_s: float) -> Outputs:
    """What is said after the later city came into force."""
    library = Shelf({1: city, 2: later}, {})
    first = [record for record in records if record.received_s < changes_s]
    state, _ = step(State(), batch_of_told(1, 0.0, changes_s, first, config=1), library)
    batch = batch_of_told(2, changes_s, 300.0, records[len(first) :], config=2)
    return step(from_fields(to_fields(state)), batch, library)[1]


def with_another(number: int, **more: object) -> City:
    """The city with a second camera like this one, BESIDE: its group goes on when this one leaves."""
    city = msgspec.structs.replace(ordered_city(), **more)
    like = next(each for each in city.devices if each.no == number)
    beside: Device = msgspec.structs.replace(like, id="cam-402-08", no=0, call_sign="402-08")
    city = msgspec.structs.replace(city, devices=(*city.devices, beside))
    check(city)
    return numbered(city, {each.id: each.no for each in city.devices if each.no})


def test_a_passage_that_waits_for_its_signal_is_dropped_with_its_camera() -> None:
    phases = [(10.0, GREEN), (40.0, AMBER), (43.0, RED), (100.0, GREEN)]
    records = [told("signal", CONTROLLER, at_s, group=2, phase=phase) for at_s, phase in phases]
    records += [told("passage", camera, 70.0, **plate("one")) for camera in (WATCHED, BESIDE)]
    records.sort(key=lambda record: record.received_s)
    city = with_another(WATCHED)
    said = found(city, without(city, WATCHED), records, 90.0).violations
    assert [case.device for case in said] == [BESIDE]


def test_a_plate_seen_by_a_camera_that_has_left_is_no_plate_in_two_places() -> None:
    city = with_another(FAR, lat=8.185)
    records = [told("passage", FAR, 80.0, **plate("one")), told("passage", LEAVE, 140.0, **plate("one"))]
    assert [case.rule for case in found(city, city, records, 110.0).violations] == ["cloned-plate"]
    for leaves_s in (80.5, 110.0):
        assert found(city, without(city, FAR), records, leaves_s).violations == (), (
            "where it stood nobody knows any more"
        )


@pytest.mark.parametrize(
    ("change", "charged"),
    [({}, True), ({"length_m": 3_000.0}, False), ({"entry": "cam-402-02", "exit": "cam-402-01"}, False)],
)
def test_a_section_between_other_cameras_or_of_another_length_is_another_one(
    change: dict[str, object], charged: bool
) -> None:
    """A kilometre in 45 s is 80 km/h, where 70 are enforced; as three kilometres it would be 240."""
    city = ordered_city()
    later = msgspec.structs.replace(city, sections=(msgspec.structs.replace(city.sections[0], **change),))
    records = [told("passage", ENTRY, 100.0, **plate("one")), told("passage", LEAVE, 145.0, **plate("one"))]
    for changes_s in (100.5, 120.0, 145.5):
        said = found(city, later, records, changes_s).violations
        assert [case.rule for case in said] == ["section-speed"] * charged


def test_a_road_whose_camera_has_left_has_no_level_of_service_by_another_cameras_road() -> None:
    whole = flow_city()
    city = without(whole, WATER)
    records = [told("passage", SEEING, at_s, speed_kmh=40.0, lane=1) for at_s in (5.0, 15.0, 25.0, 35.0)]
    for later, levels in ((city, 1), (without(city, SEEING), 0)):
        windows = found(city, later, records, 100.0).windows
        minutes = windows[(windows["metric"] == LOS) & (windows["width_s"] == 60)]
        assert minutes["device"].tolist() == [SEEING] * levels


def test_of_the_versions_of_a_city_a_few_stay_laid_out() -> None:
    city, state = ordered_city(), State()
    versions = {n: msgspec.structs.replace(city, version=n) for n in range(1, 3 * KEPT_VERSIONS)}
    for n in versions:
        state, _ = step(state, batch_of_told(n, 10.0 * n, 10.0 * (n + 1), [], config=n), Shelf(versions, {}))
        assert (city.id, n) in _compiled and len(_compiled) <= KEPT_VERSIONS
