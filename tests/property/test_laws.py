"""The laws of design section 2, over every rule and detector at once: findings are a function of the log alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.city import City
from processing.engine import RULES
from processing.rules import speeding
from tests.fixtures.small_city import LEVEL, PM25, small_city
from tests.fixtures.stream import Said, fold

EXAMPLES = 40
UNTIL_S = 900.0
KINDS = {"speeding", "silence", "windows"}
"""What a stream of a few minutes can show; the 24-hour rule has its laws on its own stream below."""


def stream(seed: int, count: int, devices: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> list[Said]:
    """Records over four minutes, then silence: all six devices report early, some values are extreme."""
    draw = np.random.default_rng(seed)
    received = np.sort(draw.uniform(0.5, 240, count)).round(4)
    numbers = dict.fromkeys(devices, 0)
    records = []
    for moment in received.tolist():
        device = int(draw.choice(devices))
        numbers[device] += 1
        delay = float(draw.choice([0.01, 0.4, 1.9, 20.0], p=[0.5, 0.3, 0.15, 0.05]))
        event = max(0.0, round(moment - delay, 4))
        common = Said(moment, device, event, numbers[device])
        if device <= 3:
            speed = float(draw.choice([40, 59.9, 70, 70.1, 91, 131]))
            records.append(replace(common, value=speed, vehicle=int(draw.integers(0, 9))))
        else:
            metric = PM25 if device == 4 else LEVEL
            records.append(replace(common, value=float(draw.normal(20, 9)), metric=metric, lane=0))
    return records


streams = st.builds(stream, st.integers(0, 2**32), st.integers(1, 120))


@pytest.fixture(scope="module")
def city() -> City:
    return small_city(silent_after_s=300)


def test_every_rule_is_under_the_laws() -> None:
    assert RULES == (speeding.judge,), "a new rule needs records of its kind in the streams here"


@settings(max_examples=EXAMPLES, deadline=None)
@given(records=streams, cuts=st.sets(st.integers(0, 120), max_size=12))
def test_how_the_stream_is_cut_changes_nothing(city: City, records: list[Said], cuts: set[int]) -> None:
    whole = fold(city, records, UNTIL_S)[1]
    assert fold(city, records, UNTIL_S, cuts)[1].digest() == whole.digest()


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(records=streams)
def test_a_snapshot_at_every_record_changes_nothing(city: City, records: list[Said]) -> None:
    whole = fold(city, records, UNTIL_S)[1]
    assert fold(city, records, UNTIL_S, range(len(records)), snapshots=True)[1].digest() == whole.digest()


@settings(max_examples=EXAMPLES, deadline=None)
@given(records=streams, seed=st.integers(0, 2**32))
def test_the_order_of_devices_within_a_tick_changes_nothing(city: City, records: list[Said], seed: int) -> None:
    draw = np.random.default_rng(seed)
    order = draw.permutation(7).tolist()
    mixed = sorted(records, key=lambda record: (int(record.received_s), order[record.device]))
    moments = sorted(record.received_s for record in records)
    mixed = [replace(record, received_s=moment) for record, moment in zip(mixed, moments, strict=True)]
    assert fold(city, mixed, UNTIL_S)[1].digest() == fold(city, records, UNTIL_S)[1].digest()


@settings(max_examples=EXAMPLES, deadline=None)
@given(records=streams, seed=st.integers(0, 2**32))
def test_a_shuffle_within_the_reorder_window_changes_no_final_finding(
    city: City, records: list[Said], seed: int
) -> None:
    draw = np.random.default_rng(seed)
    prompt = [replace(record, event_s=record.received_s) for record in records]
    delayed = [replace(r, received_s=round(r.event_s + float(draw.uniform(0, 2)), 4)) for r in prompt]
    delayed.sort(key=lambda record: record.received_s)
    assert fold(city, delayed, UNTIL_S)[1].digest() == fold(city, prompt, UNTIL_S)[1].digest()


@settings(max_examples=EXAMPLES, deadline=None)
@given(records=streams, added=streams)
def test_a_device_outside_a_rules_group_does_not_affect_it(city: City, records: list[Said], added: list[Said]) -> None:
    mine = [record for record in records if record.device != 6]
    noise = [record for record in added if record.device == 6]
    together = sorted([*mine, *noise], key=lambda record: record.received_s)
    alone = fold(city, mine, UNTIL_S)[1]
    mixed = fold(city, together, UNTIL_S)[1]
    for run in (alone, mixed):
        run.windows = {key: window for key, window in run.windows.items() if key[0] != 6}
        run.alarms = {key: alarm for key, alarm in run.alarms.items() if alarm.device != 6}
    assert mixed.digest() == alone.digest()


def day_stream(seed: int, hours: int) -> list[Said]:
    """PM2.5 every five minutes with an episode in the middle, jittered receipt."""
    draw = np.random.default_rng(seed)
    records = []
    for at in range(hours * 12):
        event = at * 300.0
        level = 80.0 if 10 <= at / 12 < 30 else 12.0
        received = round(event + float(draw.uniform(0, 1.5)), 3)
        records.append(Said(received, 4, event, at + 1, round(level + float(draw.normal(0, 4)), 2), PM25, lane=0))
    return sorted(records, key=lambda record: record.received_s)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.sets(st.integers(0, 700), max_size=8))
def test_the_24_hour_rule_is_unmoved_by_cuts_and_snapshots(seed: int, cuts: set[int]) -> None:
    city = small_city(silent_after_s=1000)
    records = day_stream(seed, 60)
    whole = fold(city, records, 60 * 3600.0)[1]
    assert {alarm.kind for alarm in whole.alarms.values()} >= {"pm25-24h"}
    assert fold(city, records, 60 * 3600.0, cuts, snapshots=True)[1].digest() == whole.digest()


def test_the_streams_of_the_laws_show_every_kind_of_finding(city: City) -> None:
    run = fold(city, stream(1, 100), UNTIL_S)[1]
    shown = {violation.rule for violation in run.violations.values()} | {alarm.kind for alarm in run.alarms.values()}
    assert shown | {"windows" if run.windows else ""} == KINDS
