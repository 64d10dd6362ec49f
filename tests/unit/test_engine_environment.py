"""What the engine makes of noise, rain and heat, and where they and the water become alarms."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from contracts.clock import HOUR_US, to_iso
from contracts.findings import Outputs
from processing.compiled import compile_city
from processing.detectors.exceedance import grade_of
from processing.engine import step
from processing.state import State
from tests.fixtures.environment_city import (
    AIR,
    HOUR_S,
    NOISE,
    OUTSIDE,
    RAIN,
    WATER,
    WEATHER,
    alarms_of,
    digest,
    environment_city,
    reading,
    readings,
    said_of,
)
from tests.fixtures.law_case import Told, batch_of_told, folded
from tests.fixtures.stream import Shelf, us

CITY = environment_city()


def test_noise_is_averaged_by_energy_and_sample_by_sample() -> None:
    loud_and_quiet = [reading(NOISE, "laeq", at * 30.0, 70.0 if at % 2 else 60.0, at + 1) for at in range(250)]
    said = folded(CITY, loud_and_quiet, 2 * HOUR_S + 120)[1]
    assert said_of(said, "laeq-1h")["mean"].tolist() == [67.4, 67.4]
    assert said_of(said, "laeq-24h")["mean"].tolist() == [67.4, 67.4]
    assert said_of(said, "laeq-24h")["completeness"].round(4).tolist() == [0.0417, 0.0833]


def test_a_day_of_noise_is_that_of_the_vector() -> None:
    said = folded(CITY, readings({(NOISE, "laeq"): [55.0] * 12 + [75.0] * 13}), 25 * HOUR_S)[1]
    assert said_of(said, "laeq-24h")["mean"][-1] == 72.0
    (began, *_) = alarms_of(said, "noise-24h")
    assert (began.because.limit, began.because.inputs["valid_hours"], began.because.unit) == (70.0, 18, "dBA")


def test_rain_is_summed_over_an_hour_a_day_and_three_days_and_by_the_local_day() -> None:
    levels = [0.0] * 2 + [6.0] * 3 + [0.0] * 80
    said = folded(CITY, readings({(RAIN, "rain_mm"): levels}), 85 * HOUR_S)[1]
    hour = said_of(said, "rain-1h")
    assert hour["mean"][5::6].tolist() == [6.0 * value for value in levels[:84]]
    assert hour["mean"][12:19].tolist() == [6.0, 12.0, 18.0, 24.0, 30.0, 36.0, 36.0] and hour["width_s"].max() == 600
    assert said_of(said, "rain-24h")["mean"].max() == said_of(said, "rain-72h")["mean"].max() == 108.0
    assert said_of(said, "rain-24h")["mean"].tolist()[26:30] == [72.0, 36.0, 0.0, 0.0]
    assert said_of(said, "rain-72h")["mean"][73] == 108.0 and said_of(said, "rain-72h")["mean"][76] == 0.0
    day = said_of(said, "rain-day")
    assert day["mean"].tolist() == [108.0, 0.0, 0.0] and set(day["width_s"].tolist()) == {86_400}
    assert [to_iso(int(start)) for start in day["start_us"]] == [f"2027-01-{date}T00:00:00Z" for date in (15, 16, 17)]
    assert day["completeness"].round(3).tolist() == [0.667, 1.0, 1.0]


def test_rain_alarms_rise_by_class_and_a_landslide_is_watched_for() -> None:
    said = folded(CITY, readings({(RAIN, "rain_mm"): [6.0, 6.0, 6.0, 0.0, 0.0]}), 5 * HOUR_S)[1]
    first = {kind: alarms_of(said, kind)[0] for kind in ("rain-1h", "rain-24h", "rain-24h-very-heavy", "landslide-24h")}
    assert {kind: alarm.because.measured for kind, alarm in first.items()} == {
        "rain-1h": 36.0, "rain-24h": 36.0, "rain-24h-very-heavy": 108.0, "landslide-24h": 108.0
    }  # fmt: skip
    assert first["rain-24h"].because.inputs["grade"] == "heavy"
    assert first["landslide-24h"].because.inputs["grade_th"] == "ฝนหนักมาก"
    assert not alarms_of(said, "landslide-3d")
    began, ended = alarms_of(said, "rain-1h")
    assert (began.condition, began.onset_us, began.because.inputs["period_hours"]) == ("active", us(HOUR_S), 1)
    assert (ended.condition, ended.because.inputs["ending"]) == ("normal", to_iso(us(3 * HOUR_S + 3000)))


def test_the_heat_index_comes_every_ten_minutes_and_alarms_after_half_an_hour() -> None:
    levels = {(WEATHER, "temperature"): [30.0, 34.0, 34.0, 30.0, 30.0], (WEATHER, "humidity"): [70.0] * 5}
    said = folded(CITY, readings(levels, 60.0), 5 * HOUR_S)[1]
    rows = said_of(said, "heat-index")
    assert rows["mean"][:6].tolist() == [35.0] * 6 and set(rows["width_s"].tolist()) == {600}
    assert set(rows["completeness"].tolist()) == {1.0}
    began, *_, ended = alarms_of(said, "heat-index")
    assert began.onset_us == us(HOUR_S) and began.changed_us == us(1.5 * HOUR_S + 60)
    assert (began.because.limit, began.because.inputs["temperature_c"]) == (41.9, 34.0)
    assert (began.because.inputs["humidity_percent"], began.because.inputs["grade"]) == (70.0, "danger")
    assert (ended.condition, ended.changed_us) == ("normal", us(3.5 * HOUR_S + 60))
    assert not alarms_of(said, "heat-index-extreme")


def test_a_class_is_that_of_its_time() -> None:
    compiled = compile_city(CITY)
    classes = [grade_of(compiled, "heat-index", 41.5, moment) for moment in (us(0) - 5 * 365 * 24 * HOUR_US, us(0))]
    assert [grade.key for grade in classes if grade] == ["danger", "warning"]
    assert grade_of(compiled, "heat-index", 20.0, us(0)) is None and grade_of(compiled, "laeq", 60.0, us(0)) is None


def water(levels: list[float], device: int = WATER) -> list[Told]:
    """One level a minute."""
    return [reading(device, "level_m", at * 60.0, level, at + 1) for at, level in enumerate(levels)]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([1.0] * 3 + [2.75] + [1.0] * 30, []),
        ([1.0] * 3 + [2.75] * 4 + [1.0] * 30, ["active", "normal"]),
        ([1.0] * 3 + [2.75] * 4 + [2.6] * 30, ["active"]),
        ([1.0] * 3 + [2.75] * 4 + [1.0] * 10 + [2.6] + [1.0] * 10, ["active"]),
        ([1.0] * 3 + [2.75] * 4 + [2.8, 2.9, 3.0, 3.1, 3.2, 3.3], ["active", "active", "active"]),
    ],
)
def test_water_is_high_after_two_minutes_and_over_after_a_quarter_of_an_hour(
    levels: list[float], expected: list[str]
) -> None:
    said = folded(CITY, water(levels), len(levels) * 60.0 + 60)[1]
    assert [alarm.condition for alarm in alarms_of(said, "water-level")] == expected


def test_each_gauge_has_its_own_limit_and_source() -> None:
    one, other = (folded(CITY, water([3.0] * 10, device), 700.0)[1] for device in (WATER, OUTSIDE))
    (alarm, *_) = alarms_of(one, "water-level")
    assert (alarm.because.limit, alarm.because.source) == (
        2.7,
        "our choice of 2026-11-22, datum and flood mark unknown [U]",
    )
    assert not alarms_of(other, "water-level")


def test_the_highest_level_at_any_time_is_looked_at_and_not_the_mean() -> None:
    levels = [70.0] * 5 + [116.0] + [70.0] * 20
    said = folded(CITY, [reading(NOISE, "lamax", at * 10.0, level, at + 1) for at, level in enumerate(levels)], 600.0)[
        1
    ]
    (alarm, *_) = alarms_of(said, "noise-high")
    assert (alarm.because.measured, alarm.because.inputs["statistic"], alarm.because.inputs["samples"]) == (
        116.0,
        "max",
        6,
    )


def test_a_rule_of_its_own_completeness_does_not_judge_half_seen_figures() -> None:
    city = environment_city(min_completeness=0.95)
    levels = {(WEATHER, "temperature"): [36.0] * 3, (WEATHER, "humidity"): [70.0] * 3}
    assert alarms_of(folded(city, readings(levels, 60.0), 3 * HOUR_S)[1], "heat-index")
    assert not alarms_of(folded(city, readings(levels, 120.0), 3 * HOUR_S)[1], "heat-index")


def test_without_a_clearing_level_a_condition_ends_below_its_limit_and_says_so() -> None:
    rules = [
        msgspec.structs.replace(rule, params={"limit": 37.5, "min_hours": 18.0}) if rule.id == "pm25-24h" else rule
        for rule in CITY.rules
    ]
    levels = [40.0] * 20 + [37.5] * 28 + [37.0] * 24
    air = readings({(AIR, "pm2_5"): levels})
    began, *told = alarms_of(folded(msgspec.structs.replace(CITY, rules=tuple(rules)), air, 72 * HOUR_S)[1], "pm25-24h")
    assert began.because.needed == "24 h mean <= 37.5"
    for alarm in told:
        assert alarm.because.needed == "24 h mean < 37.5"
        assert (alarm.because.measured < 37.5) == (alarm.condition.value == "normal")
    assert 37.5 in {alarm.because.measured for alarm in told} and told[-1].condition.value == "normal"


def test_late_samples_count_in_what_is_judged_after_them_and_amend_nothing_said() -> None:
    on_time = readings({(RAIN, "rain_mm"): [1.0] * 4}, 300.0)
    late = reading(RAIN, "rain_mm", 2 * HOUR_S - 30, 9.0, 999, delay_s=200.0)
    said = folded(CITY, sorted([*on_time, late], key=lambda record: record.received_s), 4 * HOUR_S)[1]
    assert said_of(said, "rain-1h")["mean"][11:18].tolist() == [12.0, 21.0, 21.0, 21.0, 21.0, 21.0, 12.0]
    assert said_of(said, "rain-24h")["mean"].tolist() == [12.0, 24.0, 45.0]
    assert set(said_of(said, "rain-24h")["revision"].tolist()) == {1}


def test_a_station_that_comes_back_after_a_month_is_judged_anew() -> None:
    before = readings({(AIR, "pm2_5"): [60.0] * 20})
    month = 30 * 24 * HOUR_S
    after = [
        reading(AIR, "pm2_5", r.event_s + month, 10.0, r.seq + 10_000) for r in readings({(AIR, "pm2_5"): [10.0] * 20})
    ]
    said = folded(CITY, [*before, *after], month + 21 * HOUR_S)[1]
    rows = said_of(said, "pm2_5-24h")
    assert rows["mean"].tolist() == [60.0] * 43 + [10.0] * 19
    assert rows["count"].tolist() == [*range(1, 21), *[20] * 4, *range(19, 0, -1), *range(1, 20)]
    assert [alarm.condition for alarm in alarms_of(said, "pm25-24h")][-1] == "normal"


def test_how_a_day_of_all_stations_is_cut_changes_nothing() -> None:
    slow = {(AIR, "pm2_5"): [50.0] * 22, (AIR, "o3"): [90.0] * 22, (NOISE, "laeq"): [72.0] * 22}
    quick = {(WEATHER, "temperature"): [34.0] * 2, (WEATHER, "humidity"): [75.0] * 2, (WATER, "level_m"): [3.0] * 2}
    records = readings({**slow, (RAIN, "rain_mm"): [4.0] * 22}) + readings(quick, 60.0)
    records = [replace(r, seq=n) for n, r in enumerate(sorted(records, key=lambda r: r.received_s), 1)]
    whole = folded(CITY, records, 22 * HOUR_S)[1]
    kinds = {alarm.kind for outputs in whole for alarm in outputs.alarms}
    assert kinds >= {"pm25-24h", "aqi", "noise-24h", "rain-24h", "landslide-24h", "landslide-3d"}
    assert kinds >= {"heat-index", "water-level"}
    cuts = np.random.default_rng(5).integers(0, len(records), 40).tolist()
    assert digest(folded(CITY, records, 22 * HOUR_S, cuts, snapshots=True)[1]) == digest(whole)


DAY = {(AIR, "pm2_5"): [50.0] * 30, (NOISE, "laeq"): [72.0] * 30, (RAIN, "rain_mm"): [1.0] * 30}


def later_than(everything: list[Outputs], hour: float, metric: str) -> list[tuple[int, float, int, float]]:
    rows = said_of(everything, metric)
    rows = rows[rows["start_us"] >= us(hour * HOUR_S)]
    columns = (rows[name].tolist() for name in ("start_us", "mean", "count", "completeness"))
    return list(zip(*columns, strict=True))


def test_after_a_made_past_every_figure_is_what_it_would_have_been_without_the_seam() -> None:
    records = readings(DAY)
    seam_s = 26.4 * HOUR_S
    before = [record for record in records if record.received_s < seam_s]
    past, _ = folded(CITY, before, seam_s + 100)
    whole = folded(CITY, records, 30 * HOUR_S)[1]
    first = batch_of_told(1, seam_s, 30 * HOUR_S, records[len(before) :], config=1)
    _, outputs = step(State(), replace(first, past=(9, 1)), Shelf({1: CITY}, {(9, 1): past}))
    for metric in ("pm2_5-24h", "aqi-th", "laeq-24h", "rain-24h", "rain-72h", "rain-1h"):
        since_hour = 26.33 if metric == "rain-1h" else 26
        expected = later_than(whole, since_hour, metric)
        assert later_than([outputs], since_hour, metric) == expected and expected, metric
    standing = {alarm.kind: alarm for out in whole for alarm in out.alarms}
    for alarm in outputs.alarms:
        assert (alarm.id, alarm.onset_us) == (standing[alarm.kind].id, standing[alarm.kind].onset_us)
    assert {alarm.kind for alarm in outputs.alarms} >= {"pm25-24h", "aqi", "noise-24h"}


def test_a_longer_period_that_a_new_city_asks_for_begins_with_what_is_held() -> None:
    longer = [
        msgspec.structs.replace(entry, period_s=60 * 3600) if entry.metric == "pm2_5-24h" else entry
        for entry in CITY.derived
    ]
    cities = {1: CITY, 2: msgspec.structs.replace(CITY, derived=tuple(longer))}
    records = readings({(AIR, "pm2_5"): [10.0] * 20 + [40.0] * 20})
    split = next(at for at, record in enumerate(records) if record.event_s >= 24.5 * HOUR_S)
    state, _ = step(State(), batch_of_told(1, 0.0, 24.4 * HOUR_S, records[:split], config=1), Shelf(cities, {}))
    rest = batch_of_told(2, 24.4 * HOUR_S, 40 * HOUR_S, records[split:], config=2)
    _, outputs = step(state, rest, Shelf(cities, {}))
    counts = said_of([outputs], "pm2_5-24h")["count"].tolist()
    assert counts == list(range(25, 40)), "the 24 hours that were held, and each new one"
