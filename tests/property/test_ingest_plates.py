"""Laws of plates: normal form is stable, a vote is fair, and what is sealed always fits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.records import PlateRead, VehicleClass
from ingest.grammar import CONSONANTS, is_plate, normalise, skeleton
from ingest.plates import PlateState, consensus
from ingest.provinces import PROVINCES, province_code

MAX_SEALED_BYTES = 40

texts = st.text(max_size=24)
numbers = st.integers(1, 9_999).map(str)
letters = st.text(st.sampled_from(CONSONANTS), min_size=2, max_size=2)
first_digits = st.sampled_from(["", *"123456789"])
cars = st.tuples(first_digits, letters, numbers).map("".join)
provinces = st.sampled_from(sorted(PROVINCES))
reads = st.builds(PlateRead, texts | cars, st.floats(0, 1), st.none() | texts | provinces)


@given(texts)
@settings(deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert skeleton(skeleton(normalise(text))) == skeleton(normalise(text))


@given(cars, st.data())
@settings(deadline=None)
def test_layout_never_changes_a_plate(plate: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(plate)))
    layout = data.draw(st.sampled_from([" ", "-", ".", "\n", "\u200b", "|"]))
    thai = plate.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))
    assert normalise(plate[:at] + layout + plate[at:]) == normalise(thai) == plate


@given(cars, st.sampled_from(list(VehicleClass)))
@settings(deadline=None)
def test_every_car_plate_obeys_the_grammar_of_every_class_that_may_bear_one(plate: str, vehicle: VehicleClass) -> None:
    assert is_plate(plate, vehicle)


@given(st.lists(reads, max_size=8), st.sampled_from(list(VehicleClass)))
@settings(deadline=None, max_examples=300)
def test_whatever_is_read_the_plate_fits_and_a_clear_one_is_a_plate(
    seen: list[PlateRead], vehicle: VehicleClass
) -> None:
    plate = consensus(seen, vehicle)
    if plate is None:
        return
    assert len(plate.sealed_text.encode()) <= MAX_SEALED_BYTES
    assert normalise(plate.text) == plate.text
    assert 0 <= plate.confidence <= max(read.confidence for read in seen)
    if plate.state is PlateState.CLEAR:
        assert is_plate(plate.text, vehicle) and plate.province in PROVINCES and plate.confidence >= 0.8


@given(cars, provinces, st.lists(st.floats(0.8, 1), min_size=1, max_size=8))
@settings(deadline=None)
def test_reads_that_agree_are_their_own_consensus(plate: str, province: str, confidences: list[float]) -> None:
    found = consensus([PlateRead(plate, confidence, PROVINCES[province][0]) for confidence in confidences])
    assert found is not None
    assert (found.text, found.province, found.state) == (plate, province, PlateState.CLEAR)
    assert found.confidence == pytest.approx(max(confidences))


@given(cars, cars.filter(lambda text: len(text) > 0), st.integers(0, 2))
@settings(deadline=None)
def test_two_sure_reads_outvote_an_unsure_one_wherever_it_stands(plate: str, other: str, at: int) -> None:
    seen = [PlateRead(plate, 0.95, "TH-83"), PlateRead(plate, 0.95, "TH-83")]
    seen.insert(at, PlateRead(other, 0.3, "TH-83"))
    found = consensus(seen)
    assert found is not None and found.text == plate


@given(st.integers(0, 10**6).map(str))
@settings(deadline=None)
def test_no_number_is_a_province(number: str) -> None:
    assert province_code(number) is None
