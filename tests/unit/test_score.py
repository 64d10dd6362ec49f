"""A score counts what was planted, found and invented by kind, and a small day is scored from end to end."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from app.cli import main
from app.past import seal_plates
from app.score.day import Day, Wanted, live_through
from app.score.findings import Case, Findings, Raised, read_findings, write_findings
from app.score.matching import Score, score
from app.score.sealer import Plates, ScoreSealer
from app.score.table import Bounds, failing, written
from app.score.truth import parse_truth, read_truth
from contracts.clock import HOUR_US, MINUTE_US, to_iso, to_us
from contracts.columns import PASSAGE
from contracts.errors import ConfigError
from simulators.delivery import NO_ERRORS, REALISTIC
from simulators.offences import OFFENCES
from simulators.scale import with_devices
from simulators.world import CLEAN_DAY, REAL_DAY
from tests.fixtures.phuket import phuket

NOON = to_us(datetime(2026, 11, 18, 5, 0, tzinfo=UTC))


def offence(kind: str, device: str = "cam-1", at_us: int = NOON, **more: object) -> dict[str, object]:
    line: dict[str, object] = {
        "offence": kind, "device": device, "boot": 1, "seq": 2, "part": 0, "t": to_iso(at_us), "lane": 1,
        "class": "car", "plate": "right", "chargeable": True, "why_not": [],
    }  # fmt: skip
    return line | more


def fault(kind: str, *devices: str, minutes: float = 60.0, **more: object) -> dict[str, object]:
    ends = to_iso(NOON + round(minutes * MINUTE_US))
    return {"fault": kind, "devices": list(devices), "from": to_iso(NOON), "to": ends} | more


def case(kind: str, device: str = "cam-1", at_us: int = NOON, chargeable: bool = True, reason: str = "") -> Case:
    return Case(f"{kind} {device} {at_us}", kind, device, at_us, 1, chargeable, reason)


def alarm(kind: str, *devices: str, begins: float = 5.0, ends: float = 70.0, **more: object) -> Raised:
    plain = {"id": f"{kind}{devices}{begins}", "kind": kind, "subject": devices[0], "devices": devices}
    times = {"from_us": NOON + round(begins * MINUTE_US), "to_us": NOON + round(ends * MINUTE_US)}
    return msgspec.convert(plain | times | {"suppressed": False} | more, Raised)


def scored(lines: list[dict[str, object]], *found: Case | Raised) -> dict[str, Score]:
    cases = tuple(one for one in found if isinstance(one, Case))
    alarms = tuple(one for one in found if isinstance(one, Raised))
    return {one.kind: one for one in score(parse_truth(lines), Findings(cases, alarms))}


def figures(one: Score) -> tuple[int, int, int]:
    return one.planted, one.found, one.invented


# -- offences -------------------------------------------------------------------------------------------------------


def test_a_case_answers_the_offence_of_its_kind_camera_and_moment_alone() -> None:
    lines = [offence("speeding"), offence("no_helmet"), offence("speeding", "cam-2")]
    found = scored(lines, case("speeding"), case("speeding", "cam-2", NOON + 1), case("red_light"))
    assert figures(found["speeding"]) == (2, 1, 1)
    assert figures(found["no_helmet"]) == (1, 0, 0)
    assert figures(found["red_light"]) == (0, 0, 1)
    assert (found["speeding"].precision, found["speeding"].recall) == (0.5, 0.5)
    assert found["speeding"].misses == [f"cam-2 at {to_iso(NOON)}"]


def test_an_offence_of_two_records_is_found_by_a_case_of_either_and_two_cases_of_it_are_no_invention() -> None:
    lines = [offence("section_speed", pair=9), offence("section_speed", "cam-2", NOON + MINUTE_US, pair=9)]
    for found in (
        [case("section_speed", "cam-2", NOON + MINUTE_US)],
        [case("section_speed"), case("section_speed", "cam-2", NOON + MINUTE_US)],
    ):
        assert figures(scored(lines, *found)["section_speed"]) == (1, 1, 0)


def test_half_of_an_offence_that_was_never_said_whole_is_not_counted() -> None:
    lines = [offence("cloned_plate", pair=9), offence("cloned_plate", at_us=NOON + MINUTE_US, pair=9)]
    assert "cloned_plate" not in scored(lines)


def test_a_case_that_must_not_be_held_against_anybody_and_is_fails_every_bound() -> None:
    lines = [offence("speeding", chargeable=False, why_not=["dirty_lens"])]
    wrong, right = scored(lines, case("speeding")), scored(lines, case("speeding", chargeable=False))
    assert (wrong["speeding"].charged, right["speeding"].charged) == (1, 0)
    assert failing(list(wrong.values()), Bounds(0.0, 0.0)) and not failing(list(right.values()), Bounds())


def test_where_nobody_can_tell_both_answers_are_right() -> None:
    lines = [offence("speeding", chargeable=None)]
    for chargeable in (True, False):
        found = scored(lines, case("speeding", chargeable=chargeable))["speeding"]
        assert (found.charged, found.excused) == (0, 0)


def test_a_copied_plate_is_never_charged_with() -> None:
    lines = [offence("cloned_plate", pair=9), offence("cloned_plate", "cam-2", pair=9)]
    assert scored(lines, case("cloned_plate"))["cloned_plate"].charged == 1
    quiet = scored(lines, case("cloned_plate", chargeable=False))["cloned_plate"]
    assert (quiet.charged, quiet.excused) == (0, 0)


# -- faults ---------------------------------------------------------------------------------------------------------


def test_an_alarm_answers_a_fault_of_its_device_while_it_lasts_or_shortly_after() -> None:
    line = [fault("device_silent", "cam-1", minutes=30.0)]
    assert figures(scored(line, alarm("silence", "cam-1"))["device_silent"]) == (1, 1, 0)
    assert figures(scored(line, alarm("silence", "cam-2"))["device_silent"]) == (1, 0, 1)
    assert figures(scored(line, alarm("silence", "cam-1", begins=200.0, ends=300.0))["device_silent"]) == (1, 0, 1)
    assert figures(scored(line, alarm("silence", "cam-1", begins=-90.0, ends=-60.0))["device_silent"]) == (1, 0, 1)


def test_what_a_fault_shakes_is_no_invention_though_it_is_no_find() -> None:
    line = [fault("spike", "air-1", metrics=["pm10"])]
    found = scored(line, alarm("frozen-value", "air-1", metric="pm10"))
    assert figures(found["spike"]) == (1, 0, 0) and "flatline" not in found
    assert figures(scored(line, alarm("frozen-value", "air-1", metric="no2"))["flatline"]) == (0, 0, 1)


def test_an_alarm_of_another_series_does_not_find_a_broken_one() -> None:
    line = [fault("spike", "air-1", metrics=["pm10"])]
    assert figures(scored(line, alarm("anomaly-spike", "air-1", metric="no2"))["spike"]) == (1, 0, 1)
    assert figures(scored(line, alarm("anomaly-spike", "air-1", metric="pm10"))["spike"]) == (1, 1, 0)


def test_a_street_without_power_is_found_by_alarms_that_name_all_its_devices() -> None:
    line = [fault("street_outage", "cam-1", "cam-2", "cam-3", segment="402")]
    assert scored(line, alarm("outage", "cam-1", "cam-2", "cam-3"))["street_outage"].found == 1
    assert scored(line, alarm("outage", "cam-1", "cam-2"))["street_outage"].found == 0


def test_a_device_that_drops_out_again_and_again_is_found_by_one_alarm_and_not_by_five() -> None:
    line = [fault("chattering", "cam-1")]
    five = [alarm("silence", "cam-1", begins=10.0 * at, ends=10.0 * at + 5) for at in range(5)]
    assert scored(line, five[0])["chattering"].found == 1
    assert scored(line, *five)["chattering"].found == 0


def test_a_known_test_is_found_where_nothing_or_something_suppressed_was_raised() -> None:
    line = [fault("siren_test", "noise-1", minutes=2.0, metrics=["lamax"])]
    assert scored(line)["siren_test"].found == 1
    assert scored(line, alarm("noise-high", "noise-1", begins=1.0, suppressed=True))["siren_test"].found == 1
    assert scored(line, alarm("noise-high", "noise-1", begins=1.0))["siren_test"].found == 0


def test_a_jam_is_found_on_its_stretch_in_its_direction() -> None:
    line = [fault("congestion", "cam-1", segment="402-north", direction=1)]
    for subject, found in (("402-north forward", 1), ("402-north backward", 0), ("402-northern forward", 0)):
        one = alarm("congestion", "cam-9", subject=subject)
        assert scored(line, one)["congestion"].found == found, subject


def test_a_device_that_is_not_to_be_trusted_is_found_where_all_its_cases_say_so() -> None:
    line = [fault("dirty_lens", "cam-1")]
    later = NOON + 10 * MINUTE_US
    excused = case("speeding", at_us=later, chargeable=False, reason="dirty_lens")
    plain = case("no_helmet", at_us=later, chargeable=False, reason="no_plate")
    assert "dirty_lens" not in scored(line), "without a case there is nothing to find"
    assert scored(line, excused)["dirty_lens"].found == 1
    assert scored(line, excused, plain)["dirty_lens"].found == 0


def test_a_suppressed_alarm_is_no_invention() -> None:
    assert not scored([], alarm("silence", "cam-1", suppressed=True))


# -- what a person gives and gets -----------------------------------------------------------------------------------


def test_the_table_names_what_is_low_and_the_first_misses() -> None:
    lines = [offence("speeding", f"cam-{number}") for number in range(5)]
    text = written(list(scored(lines, case("speeding", "cam-0")).values()), Bounds(listed=2))
    assert "speeding" in text and "0.200" in text and "LOW" in text
    assert f"speeding missed: cam-1 at {to_iso(NOON)}" in text and "speeding missed: 2 more" in text


def test_a_truth_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line = 2"):
        parse_truth([offence("speeding"), {"weather": "fine"}])
    with pytest.raises(ConfigError):
        read_truth(tmp_path / "none.jsonl")
    (tmp_path / "half.jsonl").write_bytes(b'{"offence": ')
    with pytest.raises(ConfigError, match="not JSON"):
        read_truth(tmp_path / "half.jsonl")


def test_findings_are_read_back_as_they_were_kept(tmp_path: Path) -> None:
    found = Findings((case("speeding"),), (alarm("silence", "cam-1"),))
    write_findings(tmp_path / "findings.json", found)
    assert read_findings(tmp_path / "findings.json") == found
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ConfigError):
        read_findings(tmp_path / "other.json")


def test_plates_become_what_the_past_makes_of_them_also_those_that_were_seen_before() -> None:
    rows = np.zeros(6, PASSAGE)
    rows["event_us"] = [NOON, NOON + 1, NOON + 12 * HOUR_US, NOON + 13 * HOUR_US, NOON, NOON]
    rows["vehicle"], rows["plate_day"] = 2, -1
    reads = [("1กข1234", "TH-83", 0.97), ("1กข1234", "TH-83", 0.91), ("1กข1234", "TH-83", 0.97),
             ("1กข1234", None, 0.7), None, ("1กข1234", "TH-83", 0.6)]  # fmt: skip
    expected = seal_plates(rows, reads, ScoreSealer())
    assert np.array_equal(Plates().put(rows, reads), expected)
    assert len(np.unique(expected["plate_hash"])) == 4, "a day later, and without a province, it is another one"


# -- a small day, from end to end -----------------------------------------------------------------------------------


@cache
def small_day(errors: bool) -> Day:
    """Half an hour of the cameras at the ends of sections and at some junctions."""
    world, delivery = (REAL_DAY, REALISTIC) if errors else (CLEAN_DAY, NO_ERRORS)
    city = with_devices(phuket(), 40)
    return live_through(city, Wanted(7, NOON, NOON + HOUR_US // 2, 10 * MINUTE_US, world, delivery))


@pytest.mark.parametrize("errors", [False, True])
def test_on_a_small_day_no_offence_is_invented_and_nobody_is_charged_wrongly(errors: bool) -> None:
    day = small_day(errors)
    kinds = {str(one.name).lower() for one in OFFENCES}
    scores = [one for one in score(parse_truth(day.truth), day.found) if one.kind in kinds]
    assert {one.kind for one in scores} >= kinds - {"red_light", "speeding"}
    for one in scores:
        assert (one.invented, one.charged) == (0, 0), (one.kind, one.inventions, one.misses)
        if not errors:
            assert one.found == one.planted, (one.kind, one.misses)
            assert one.excused == 0, (one.kind, one.misses)


def test_a_small_day_is_the_same_every_time() -> None:
    one, other = small_day(True), small_day.__wrapped__(True)
    assert (one.truth, one.found) == (other.truth, other.found)


def test_a_day_that_was_kept_is_scored_as_when_it_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = ["score", "--hours", "0.25", "--warm-hours", "0", "--devices", "12", "--recall", "0", "--precision", "0"]
    kept = str(tmp_path / "kept")
    first = main([*made, "--day", "2026-11-18T12:00", "--save", kept])
    table = capsys.readouterr().out
    again = main(["score", f"{kept}/truth.jsonl", "--findings", f"{kept}/findings.json"])
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == table.splitlines()[1].split()[:4]
    assert first == 0 and again in (0, 1)


@pytest.mark.parametrize(
    ("words", "problem"),
    [(["--day", "yesterday"], "--day"), (["--devices", "-1"], "cameras"), (["TRUTH"], "truth")],
)
def test_what_cannot_be_scored_is_explained(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", *words]) == 1
    assert problem in capsys.readouterr().err
