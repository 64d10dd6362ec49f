"""The trust gate: what a device out of order would have produced is kept, is not chargeable, and says why."""

from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from contracts.city import City
from contracts.clock import to_iso
from contracts.findings import Violation
from contracts.records import StatusEvent
from processing.cases.docket import Docket
from processing.engine import step
from processing.state import State
from tests.fixtures.law_case import Told, batch_of_told
from tests.fixtures.passage_city import BOTH, FRONT, REAR, passage, passage_city, status, told, violations
from tests.fixtures.stream import Shelf, us

UNTIL_S = 60.0
HALF_PAST_S, NINE_S = 1800.0, 3600.0
"""Camera BOTH is in maintenance from 15:30 until 16:00 Thai time; the stream begins at 15:00."""


@pytest.fixture(scope="module")
def city() -> City:
    return passage_city()


def fast(device: int, event_s: float, seq: int, received_s: float | None = None, **fields: Any) -> Told:
    return passage(device, event_s, seq, received_s, speed_kmh=131.0, **fields)


def judged(city: City, *records: Told, until_s: float = UNTIL_S) -> list[Violation]:
    return violations(told(city, records, until_s))


def without_calibration(city: City) -> City:
    devices = tuple(msgspec.structs.replace(device, calibrated_until=None) for device in city.devices)
    return msgspec.structs.replace(city, devices=devices)


def test_a_case_of_a_healthy_device_is_chargeable_and_says_how_its_clock_stood(city: City) -> None:
    (violation,) = judged(city, status(REAR, 1.0, 1), fast(REAR, 9.0, 2))
    inputs = violation.because.inputs
    assert violation.chargeable and violation.reason == "" and "not_trusted" not in inputs
    assert (inputs["clock_offset_ms"], inputs["clock_source"], inputs["lens_score"]) == (3.0, "ntp", 0.9)
    assert (inputs["status_at"], inputs["calibrated_until"]) == (to_iso(us(1.0)), "2027-12-31")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"clock_offset_ms": 201.0}, "clock_drift"),
        ({"clock_offset_ms": -201.0}, "clock_drift"),
        ({"clock_offset_ms": 200.0}, ""),
        ({"clock_offset_ms": float("nan")}, "clock_unknown"),
        ({"lens_score": 0.49}, "dirty_lens"),
        ({"lens_score": 0.5}, ""),
        ({"lens_score": float("nan")}, ""),
        ({"calibrated_until_us": us(5.0)}, "out_of_calibration"),
        ({"calibrated_until_us": us(500.0)}, ""),
    ],
)
def test_what_the_device_last_said_of_itself_decides(city: City, fields: dict[str, Any], reason: str) -> None:
    (violation,) = judged(city, status(REAR, 1.0, 1, **fields), fast(REAR, 9.0, 2))
    assert (violation.chargeable, violation.reason) == (not reason, reason)
    assert violation.because.inputs.get("not_trusted", "") == reason


def test_the_calibration_of_the_city_holds_to_the_end_of_its_last_thai_day(city: City) -> None:
    today, midnight_s = date(2027, 1, 15), 9 * 3600.0
    devices = tuple(msgspec.structs.replace(device, calibrated_until=today) for device in city.devices)
    records = [status(REAR, midnight_s - 2, 1), fast(REAR, midnight_s - 1, 2), fast(REAR, midnight_s, 3)]
    before, after = judged(msgspec.structs.replace(city, devices=devices), *records, until_s=midnight_s + 60)
    assert (before.reason, after.reason) == ("", "out_of_calibration")


def test_a_speed_of_an_instrument_that_nobody_calibrated_is_not_chargeable_but_bare_heads_are(city: City) -> None:
    found = judged(without_calibration(city), status(REAR, 1.0, 1), fast(REAR, 9.0, 2, vehicle=1, helmet=2, riders=1))
    assert {v.rule: v.reason for v in found} == {"speeding": "calibration_unknown", "no-helmet": ""}


def test_a_device_in_maintenance_charges_nobody_while_it_lasts(city: City) -> None:
    moments = (HALF_PAST_S - 1, HALF_PAST_S, NINE_S - 1, NINE_S)
    records = [
        record
        for at, s in enumerate(moments)
        for record in (status(BOTH, s - 0.5, 2 * at + 1), fast(BOTH, s, 2 * at + 2))
    ]
    found = judged(city, *records, until_s=NINE_S + 60)
    assert [v.reason for v in found] == ["", "maintenance", "maintenance", ""]
    assert found[1].because.inputs["maintenance"] == "new lens"


@pytest.mark.parametrize(
    "before",
    [
        (),
        (status(REAR, 1.0, 1, received_s=1.0),),
        (status(FRONT, 690.0, 1),),
        (status(REAR, 690.0, 1, event=int(StatusEvent.BIRTH), clock_offset_ms=float("nan")),),
    ],
    ids=["never heard", "heard too long ago", "heard another", "born again since"],
)
def test_a_clock_of_which_nothing_is_known_is_not_trusted(city: City, before: tuple[Told, ...]) -> None:
    (violation,) = judged(city, *before, fast(REAR, 700.0, 9), until_s=800.0)
    assert (violation.chargeable, violation.reason) == (False, "clock_unknown")
    assert violation.because.inputs["clock_offset_ms"] is None


def test_what_a_device_said_before_it_was_born_again_says_nothing_of_it(city: City) -> None:
    born = status(REAR, 2.0, 2, event=int(StatusEvent.BIRTH), lens_score=float("nan"))
    (violation,) = judged(city, status(REAR, 1.0, 1, lens_score=0.1), born, fast(REAR, 9.0, 3))
    assert violation.chargeable and violation.because.inputs["lens_score"] is None


def test_a_last_will_tells_nothing_and_hides_nothing(city: City) -> None:
    will = Told("status", REAR, 5.0, 5.0, 0, {"event": int(StatusEvent.DEATH)}, boot=0)
    (violation,) = judged(city, status(REAR, 1.0, 1), will, fast(REAR, 9.0, 3))
    assert violation.chargeable and violation.because.inputs["clock_offset_ms"] == 3.0


def test_a_status_that_comes_after_its_passage_makes_a_new_revision(city: City) -> None:
    drifted = status(REAR, 8.0, 3, received_s=9.9, clock_offset_ms=900.0)
    first, second = judged(city, status(REAR, 1.0, 1), fast(REAR, 9.0, 4), drifted)
    assert (first.revision, first.reason, second.revision, second.reason) == (1, "", 2, "clock_drift")
    assert first.id == second.id and second.because.inputs["clock_offset_ms"] == 900.0


@pytest.mark.parametrize(
    "after",
    [
        (),
        (status(REAR, 9.5, 3, clock_offset_ms=900.0),),
        (status(REAR, 8.0, 3, 100.0, clock_offset_ms=9.0),),
        (status(REAR, 8.0, 3, 612.0, clock_offset_ms=900.0),),
        (status(FRONT, 8.0, 3, 100.0, clock_offset_ms=900.0),),
    ],
    ids=["nothing", "of a later moment", "late and as healthy", "more than ten minutes late", "another's"],
)
def test_nothing_new_makes_no_new_revision(city: City, after: tuple[Told, ...]) -> None:
    (violation,) = judged(city, status(REAR, 1.0, 1), fast(REAR, 9.0, 4), *after, until_s=700.0)
    assert (violation.revision, violation.reason) == (1, "")


def test_a_late_status_excuses_and_charges_again_for_ten_minutes(city: City) -> None:
    drifted = status(REAR, 8.0, 3, received_s=60.0, clock_offset_ms=900.0)
    healthy = status(REAR, 8.5, 5, received_s=611.9)
    records = [status(REAR, 1.0, 1), fast(REAR, 9.0, 4), drifted, healthy]
    for cuts in ((), (1, 2, 3)):
        found = violations(told(city, records, 700.0, cuts, snapshots=bool(cuts)))
        assert [(v.revision, v.reason) for v in found] == [(1, ""), (2, "clock_drift"), (3, "")]
    said = told(city, records, 700.0, cuts=[2, 3])
    assert [[v.revision for v in outputs.violations] for outputs in said] == [[1], [], [2, 3]]


def test_a_case_is_said_in_the_batch_of_its_passage_and_again_when_its_second_is_over(city: City) -> None:
    records = [status(REAR, 1.0, 1), fast(REAR, 9.2, 4), status(REAR, 8.0, 3, 9.9, lens_score=0.1), fast(REAR, 13.0, 5)]
    said = told(city, records, 20.0, cuts=[1, 2, 3])
    assert [[(v.revision, v.reason) for v in outputs.violations] for outputs in said] == [
        [], [(1, "")], [], [(2, "dirty_lens"), (1, "dirty_lens")],
    ]  # fmt: skip


def test_a_snapshot_keeps_who_waits_and_what_was_said(city: City) -> None:
    records = [status(REAR, 1.0, 1), fast(REAR, 9.0, 4), status(REAR, 8.0, 3, 9.9, clock_offset_ms=-450.0)]
    whole = violations(told(city, records, UNTIL_S))
    assert violations(told(city, records, UNTIL_S, cuts=[1, 2], snapshots=True)) == whole
    assert [v.revision for v in whole] == [1, 2]


def test_distrust_goes_before_a_second_look_but_not_before_a_view_from_the_front(city: City) -> None:
    dirty = [status(device, 1.0, 1, lens_score=0.1) for device in (REAR, FRONT)]
    doubtful, front = judged(
        city, *dirty, fast(REAR, 9.0, 4, plate_state=2), fast(FRONT, 9.0, 4, vehicle=1)
    )  # fmt: skip
    assert (doubtful.reason, front.reason) == ("dirty_lens", "front_view_of_motorcycle")
    assert front.because.inputs["not_trusted"] == "dirty_lens"


def test_without_a_trust_rule_calibration_and_maintenance_still_hold() -> None:
    lax = passage_city(strict=False)
    dirty, worked_on = judged(
        lax, status(REAR, 1.0, 1, lens_score=0.0), fast(REAR, 9.0, 2), fast(BOTH, NINE_S - 1, 1), until_s=NINE_S
    )
    assert (dirty.reason, worked_on.reason) == ("", "maintenance")


def test_the_plate_of_a_new_revision_is_the_passages_own(city: City) -> None:
    sealed: dict[str, Any] = {"plate_day": 20_833, "plate_hash": b"h" * 16, "plate_sealed": b"s" * 76}
    drifted = status(REAR, 8.0, 3, received_s=9.9, clock_offset_ms=900.0)
    first, second = judged(city, fast(REAR, 9.0, 4, **sealed), drifted)
    assert first.plate is not None and first.plate == second.plate
    assert (first.plate.day, first.plate.sealed) == (20_833, b"s" * 76)


def test_what_a_camera_said_in_a_made_past_counts_for_the_cases_after_it(city: City) -> None:
    before, _ = step(State(), batch_of_told(1, 0.0, 60.0, [status(REAR, 50.0, 1)], config=1), Shelf({1: city}, {}))
    own = replace(batch_of_told(1, 60.0, 120.0, [fast(REAR, 61.0, 2)], config=1), past=(7, 1))
    _, outputs = step(State(), own, Shelf({1: city}, {(7, 1): before}))
    (violation,) = outputs.violations
    assert violation.chargeable and violation.because.inputs["status_at"] == to_iso(us(50.0))


def test_a_city_that_asks_more_of_its_lenses_before_the_second_look_changes_the_case(city: City) -> None:
    rules = tuple(
        msgspec.structs.replace(rule, params={**rule.params, "min_lens_score": 0.95}) if rule.kind == "trust" else rule
        for rule in city.rules
    )
    shelf = Shelf({1: city, 2: msgspec.structs.replace(city, rules=rules)}, {})
    first = batch_of_told(1, 0.0, 9.5, [status(REAR, 1.0, 1), fast(REAR, 9.0, 2)], config=1)
    state, said = step(State(), first, shelf)
    _, after = step(state, batch_of_told(2, 9.5, 60.0, [], config=2), shelf)
    assert [(v.revision, v.reason) for v in (*said.violations, *after.violations)] == [(1, ""), (2, "dirty_lens")]


def test_a_device_that_leaves_the_city_leaves_its_cases_as_they_were(city: City) -> None:
    gone = msgspec.structs.replace(city, devices=tuple(device for device in city.devices if device.no != REAR))
    shelf = Shelf({1: city, 2: gone}, {})
    first = batch_of_told(1, 0.0, 9.5, [status(REAR, 1.0, 1), fast(REAR, 9.0, 2)], config=1)
    state, said = step(State(), first, shelf)
    _, after = step(state, batch_of_told(2, 9.5, 60.0, [], config=2), shelf)
    assert [violation.chargeable for violation in said.violations] == [True] and after.violations == ()


def test_the_docket_holds_no_more_than_the_cases_of_some_minutes(city: City) -> None:
    state, most = State(), 0
    for minute in range(60):
        since_s = 60.0 * minute
        records = [fast(REAR, since_s + second, 100 * minute + second) for second in range(1, 11)]
        batch = batch_of_told(minute + 1, since_s, since_s + 60.0, records, config=1 if minute == 0 else None)
        state, _ = step(state, batch, Shelf({1: city}, {}))
        docket = state.part("docket", Docket)
        most = max(most, docket.rows.size)
        assert docket.packed.size == docket.rows["end"][-1]
        assert [docket.content(at).bare.occurred_us for at in range(docket.rows.size)] == sorted(
            docket.content(at).bare.occurred_us for at in range(docket.rows.size)
        )
    assert 100 <= most <= 160
