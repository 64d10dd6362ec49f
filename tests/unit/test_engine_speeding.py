"""Speeding: limit by segment, direction, class and day; the threshold apart from the limit."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from contracts.city import City
from contracts.columns import Batch
from contracts.findings import Violation
from processing.cases.passing import passing
from processing.compiled import compile_city
from processing.engine import step
from processing.rules.speeding import judge
from processing.state import State
from tests.fixtures.small_city import small_city
from tests.fixtures.stream import Said, batch_of, fold, shelf

REAR, FRONT, EIGHTY = 1, 2, 3
CAR, MOTORCYCLE, THREE_WHEEL = 2, 1, 7


@pytest.fixture(scope="module")
def city() -> City:
    return small_city()


def judged(city: City, **passage: Any) -> list[Violation]:
    run = fold(city, [replace(Said(1.0, REAR, 1.0, 1), **passage)], 5.0)[1]
    return list(run.violations.values())


@pytest.mark.parametrize(
    ("device", "vehicle", "speed", "fires"),
    [
        (REAR, CAR, 70.0, False),
        (REAR, CAR, 70.1, True),
        (REAR, THREE_WHEEL, 55.5, True),
        (EIGHTY, CAR, 90.0, False),
        (EIGHTY, MOTORCYCLE, 70.5, True),
        (EIGHTY, CAR, float("nan"), False),
    ],
)
def test_a_case_is_suspected_above_the_threshold_of_its_class_only(
    city: City, device: int, vehicle: int, speed: float, fires: bool
) -> None:
    assert bool(judged(city, device=device, vehicle=vehicle, value=speed)) is fires


def test_a_counting_camera_suspects_nobody(city: City) -> None:
    counting = tuple(
        msgspec.structs.replace(device, functions=("count",)) if device.no == REAR else device
        for device in city.devices
    )
    assert judged(msgspec.structs.replace(city, devices=counting), value=131.0) == []


def test_131_in_a_60_zone_explains_itself(city: City) -> None:
    (violation,) = judged(city, value=131.0)
    because = violation.because
    assert (because.measured, because.limit, because.threshold, because.margin) == (131.0, 60.0, 70.0, 61.0)
    assert because.needed == "speed_kmh <= 70"
    assert because.source == "Ministerial Regulation on speed B.E. 2564"
    assert violation.chargeable and violation.zone == "wichit"


@pytest.mark.parametrize(
    ("device", "vehicle", "plate_state", "reason"),
    [
        (FRONT, MOTORCYCLE, 1, "front_view_of_motorcycle"),
        (FRONT, CAR, 1, ""),
        (REAR, CAR, 2, "doubtful_plate"),
        (REAR, CAR, 0, "no_plate"),
    ],
)
def test_a_case_that_cannot_be_charged_is_kept_with_its_reason(
    city: City, device: int, vehicle: int, plate_state: int, reason: str
) -> None:
    (violation,) = judged(city, device=device, vehicle=vehicle, plate_state=plate_state, value=131.0)
    assert (violation.chargeable, violation.reason) == (not reason, reason)


def test_the_id_comes_from_the_identity_and_not_from_values(city: City) -> None:
    (first,) = judged(city, value=131.0)
    (other_speed,) = judged(city, value=99.0)
    (other_number,) = judged(city, value=131.0, seq=2)
    assert first.id == other_speed.id != other_number.id


def test_one_passage_is_one_case_whatever_rules_there_are(city: City) -> None:
    """`judge` holds to this by itself: a second row of one id and revision would be refused by the database."""
    (rule,) = (rule for rule in city.rules if rule.kind == "speeding")
    night = msgspec.structs.replace(rule, id="speeding-night")
    compiled = replace(compile_city(city), rules=(rule, night))
    (violation,) = judge(compiled, passing(compiled, batch_of(1, 0, 2, [Said(1.0, REAR, 1.0, 1, 131.0)]).passages))
    assert violation.violation.rule == "speeding"


def test_a_batch_of_a_version_that_nobody_has_is_an_error(city: City) -> None:
    with pytest.raises(KeyError):
        step(State(), Batch(1, 0, 1, config=7), shelf(city))
    assert batch_of(1, 0, 1).records == 0
