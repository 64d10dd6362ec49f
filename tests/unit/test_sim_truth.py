"""The truth is written as lines of JSON beside what the devices said, without plates."""

import json
from pathlib import Path

import numpy as np
import pytest

from contracts.columns import Columns
from contracts.records import VehicleClass
from simulators.faults import MISTRUSTED, Fault, Planted
from simulators.offences import Offence
from simulators.plates import ReadState
from simulators.truth import TRUTH, TruthFile


def rows() -> Columns:
    made = np.zeros(2, TRUTH)
    made["device"], made["boot"], made["seq"], made["lane"] = 3, 9, (4, 5), 2
    made["event_us"] = 1_795_312_800_123_000
    made["offence"] = (int(Offence.SPEEDING), int(Offence.RED_LIGHT | Offence.NO_HELMET))
    made["speed_kmh"], made["limit_kmh"], made["red_s"] = 131.0, 60.0, (0.0, 1.25)
    made["vehicle"], made["plate_truth"] = int(VehicleClass.CAR), int(ReadState.RIGHT)
    return made


def test_an_offence_is_a_line_and_two_at_once_are_two(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    with TruthFile(path, {3: "cam-1"}) as file:
        file.write(rows())
        file.write(rows()[:0])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["offence"], line["seq"]) for line in lines] == [("speeding", 4), ("red_light", 5), ("no_helmet", 5)]
    assert lines[0] == {
        "offence": "speeding",
        "device": "cam-1",
        "boot": 9,
        "seq": 4,
        "part": 0,
        "t": "2026-11-22T02:00:00.123000Z",
        "lane": 2,
        "class": "car",
        "plate": "right",
        "chargeable": True,
        "why_not": [],
        "speed_kmh": 131.0,
        "limit_kmh": 60.0,
    }
    assert lines[1]["red_s"] == 1.25


def test_the_truth_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    for _start in range(2):
        with TruthFile(path, {3: "cam-1"}) as file:
            file.write(rows()[:1])
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("state", "distrust", "chargeable", "why"),
    [
        (ReadState.RIGHT, 0, True, []),
        (ReadState.NONE, 0, False, ["no_plate"]),
        (ReadState.NO_PROVINCE, 0, False, ["doubtful_plate"]),
        (ReadState.MISREAD_SURE, 0, None, []),
        (ReadState.RIGHT, 1 << MISTRUSTED.index(Fault.DIRTY_LENS), False, ["dirty_lens"]),
        (ReadState.RIGHT, 1 << len(MISTRUSTED), None, []),
        (ReadState.UNREAD, 1 << len(MISTRUSTED), False, ["no_plate"]),
    ],
)
def test_the_truth_says_what_may_be_held_against_anybody(
    tmp_path: Path, state: ReadState, distrust: int, chargeable: bool | None, why: list[str]
) -> None:
    made = rows()[:1]
    made["plate_truth"], made["mistrusted"] = int(state), distrust
    path = tmp_path / "truth.jsonl"
    with TruthFile(path, {3: "cam-1"}) as file:
        file.write(made)
    line = json.loads(path.read_text())
    assert (line["chargeable"], line["why_not"]) == (chargeable, why)


def test_the_two_records_of_an_offence_share_a_pair(tmp_path: Path) -> None:
    made = rows()
    made["offence"], made["pair"] = int(Offence.SECTION_SPEED), 77
    path = tmp_path / "truth.jsonl"
    with TruthFile(path, {3: "cam-1"}) as file:
        file.write(made)
    assert [json.loads(line)["pair"] for line in path.read_text().splitlines()] == [77, 77]


def test_a_fault_is_a_line_with_its_devices_and_times(tmp_path: Path) -> None:
    one = Planted(Fault.SPIKE, ("air-1",), 1_795_312_800_000_000, 1_795_312_860_000_000, ("pm10",), size=80.0)
    path = tmp_path / "truth.jsonl"
    with TruthFile(path, {}) as file:
        file.write_faults([one])
    line = json.loads(path.read_text())
    assert (line["fault"], line["devices"], line["metrics"]) == ("spike", ["air-1"], ["pm10"])
    assert (line["from"], line["to"]) == ("2026-11-22T02:00:00Z", "2026-11-22T02:01:00Z")
