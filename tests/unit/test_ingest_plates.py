"""Plates of Thailand: normal form, grammar, province, and what the reads of one pass agree on."""

import pytest

from contracts.records import PlateRead, VehicleClass
from ingest.grammar import _CONFUSABLE, CONSONANTS, is_plate, normalise, skeleton
from ingest.plates import PlateState, consensus
from ingest.provinces import BETONG, PROVINCES, province_code

PHUKET = "ภูเก็ต"


def read(text: str, confidence: float = 0.95, province: str | None = PHUKET) -> PlateRead:
    return PlateRead(text, confidence, province)


@pytest.mark.parametrize("written", ["1กข 1234", "1กข-1234", " 1กข.1234\n", "๑กข๑๒๓๔", "1กข\u200b1234", "１กข１２３４"])
def test_layout_and_digits_do_not_make_another_plate(written: str) -> None:
    assert normalise(written) == "1กข1234"


def test_the_separator_of_the_sealed_text_cannot_be_smuggled_in() -> None:
    assert normalise("1กข|TH-10\x00") == "1กขTH10"


@pytest.mark.parametrize("plate", ["กข1", "กข9999", "1กข1234", "9ฮฮ1"])
def test_car_plates(plate: str) -> None:
    assert is_plate(plate, VehicleClass.CAR)


@pytest.mark.parametrize("plate", ["1กขค1234", "กขค1", "1กข1234"])
def test_motorcycle_plates(plate: str) -> None:
    assert is_plate(plate, VehicleClass.MOTORCYCLE)


@pytest.mark.parametrize("plate", ["801234", "100000", "999999"])
def test_truck_and_bus_plates(plate: str) -> None:
    assert is_plate(plate, VehicleClass.TRUCK) and is_plate(plate, VehicleClass.BUS)


@pytest.mark.parametrize(
    "text",
    [
        "", "ก1234", "0กข1234", "12กข1234", "กข0123", "กข12345", "กข", "1234", "กข1234ก", "AB1234", "001234", "80123",
        "ฃก1234", "ฅก1234", "ฤก1234", "กฦ1234",
    ],
)  # fmt: skip
def test_what_is_no_plate(text: str) -> None:
    assert not any(is_plate(text, vehicle) for vehicle in VehicleClass)


@pytest.mark.parametrize(
    ("plate", "vehicle"),
    [("1กขค1234", VehicleClass.CAR), ("801234", VehicleClass.MOTORCYCLE)],
)
def test_a_plate_of_another_class_of_vehicle_is_not_this_ones(plate: str, vehicle: VehicleClass) -> None:
    assert is_plate(plate) and not is_plate(plate, vehicle)


def test_there_are_78_province_names_and_each_finds_its_code() -> None:
    assert len(PROVINCES) == 78
    for code, (name_th, name_en) in PROVINCES.items():
        for said in (
            code,
            name_th,
            name_en,
            name_en.upper(),
            name_en.replace(" ", ""),
            f"จังหวัด{name_th}",
            f"จ.{name_th}",
        ):
            assert province_code(said) == code


def test_betong_is_not_yala() -> None:
    assert province_code("เบตง") == BETONG != province_code("ยะลา") == "TH-95"


@pytest.mark.parametrize("number", ["83", "86", "42", "951", "๘๖", "TH83X", "", "TH-99", "Phuket!"])
def test_a_bare_number_is_no_province(number: str) -> None:
    assert province_code(number) is None


def test_equal_reads_are_clear() -> None:
    plate = consensus([read("1กข 1234", 0.9), read("1กข-1234", 0.85)])
    assert plate is not None
    assert (plate.sealed_text, plate.state, plate.confidence) == ("1กข1234|TH-83", PlateState.CLEAR, 0.9)


def test_each_position_is_decided_by_the_weight_of_its_reads() -> None:
    plate = consensus([read("1กข1234", 0.9), read("1ถข1234", 0.3), read("1กข1284", 0.3), read("1กข1234", 0.8)])
    assert plate is not None
    assert plate.text == "1กข1234"
    assert plate.confidence == pytest.approx(2.0 / 2.3 * 0.9)


@pytest.mark.parametrize(
    ("why", "reads"),
    [
        ("grammar", [read("AB1234")]),
        ("no province", [read("1กข1234", province=None)]),
        ("unknown province", [read("1กข1234", province="86")]),
        ("low confidence", [read("1กข1234", 0.79)]),
        ("no confidence", [read("1กข1234", 0.0)]),
        ("disagreeing text", [read("1กข1234", 0.9), read("1กข1284", 0.9)]),
        ("disagreeing length", [read("1กข1234", 0.9), read("กข1234", 0.9)]),
        ("disagreeing province", [read("1กข1234"), read("1กข1234", province="กระบี่")]),
        ("a confident read that is no plate", [read("1กข1234", 0.9), read("GARBAGE", 0.9)]),
    ],
)
def test_a_plate_is_doubtful_for(why: str, reads: list[PlateRead]) -> None:
    plate = consensus(reads)
    assert plate is not None, why
    assert plate.state is PlateState.DOUBTFUL


def test_a_read_that_obeys_the_grammar_beats_surer_ones_that_do_not() -> None:
    plate = consensus([read("1กฃ1234", 0.99), read("1กข1234", 0.6)])
    assert plate is not None and plate.text == "1กข1234"


def test_a_read_that_was_left_out_lends_no_confidence() -> None:
    plate = consensus([read("-", 1.0), read("ก" * 24, 1.0), read("1กข1234", 0.5)])
    assert plate is not None
    assert (plate.text, plate.confidence) == ("1กข1234", 0.5)


@pytest.mark.parametrize("reads", [[], [read("")], [read(" -.\x00| ")], [read("ก" * 24)]])
def test_reads_without_letters_or_beyond_any_plate_are_none(reads: list[PlateRead]) -> None:
    assert consensus(reads) is None


def test_a_plate_does_not_show_itself_in_a_traceback() -> None:
    plate = consensus([read("1กข1234")])
    assert "กข" not in repr(plate) and "1234" not in repr(plate)


def test_look_alikes_share_a_skeleton_and_others_do_not() -> None:
    assert skeleton("1กข1234") == skeleton("1ถซ7234") == skeleton("1ภชI2B4".replace("B", "3"))
    assert skeleton("1กข1234") != skeleton("1งข1234")
    assert skeleton("1กข1234") != skeleton("1กข1235")


def test_no_letter_stands_in_two_classes_of_look_alikes() -> None:
    letters = "".join(_CONFUSABLE)
    assert len(set(letters)) == len(letters)


def test_plates_have_the_42_consonants_less_the_two_that_are_obsolete() -> None:
    assert len(set(CONSONANTS)) == len(CONSONANTS) == 42
    assert not set("ฃฅฤฦ") & set(CONSONANTS)
