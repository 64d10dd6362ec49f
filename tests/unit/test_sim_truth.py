"""The truth is written as lines of JSON beside what the devices said, without plates."""

import json
from pathlib import Path

import numpy as np

from contracts.columns import Columns
from simulators.offences import Offence
from simulators.truth import TRUTH, TruthFile


def rows() -> Columns:
    made = np.zeros(2, TRUTH)
    made["device"], made["boot"], made["seq"], made["lane"] = 3, 9, (4, 5), 2
    made["event_us"] = 1_795_312_800_123_000
    made["offence"] = (int(Offence.SPEEDING), int(Offence.RED_LIGHT | Offence.NO_HELMET))
    made["speed_kmh"], made["limit_kmh"], made["red_s"] = 131.0, 60.0, (0.0, 1.25)
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
