"""The laws of the fold (ARCHITECTURE.md), over every rule and detector: findings are a function of the log alone."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.city import City
from contracts.columns import Gap
from contracts.findings import Outputs
from processing.digest import Run
from processing.engine import step
from processing.state import State, from_fields, to_fields
from tests.fixtures.small_city import LEVEL, PM25, small_city
from tests.fixtures.stream import Said, Shelf, batch_of, fold, us

EXAMPLES = 40
UNTIL_S = 900.0
KINDS = {"speeding", "silence", "windows"}
"""What a stream of a few minutes can show; the 24-hour rule has its laws on its own stream below."""


DELAYS_S = {0.01: 0.5, 0.4: 0.3, 1.9: 0.15, 20.0: 0.05}
"""How long records are under way, and how often."""
LONG_DELAYS_S = {0.01: 0.4, 1.9: 0.1, 20.0: 0.1, 300.0: 0.1, 599.0: 0.1, 650.0: 0.07, 900.0: 0.08, -50.0: 0.05}
"""Up to and beyond the time in which windows are amended; and a clock that is ahead."""


def stream(seed: int, count: int, span_s: float = 240.0, delays_s: dict[float, float] = DELAYS_S) -> list[Said]:
    """Records over four minutes, then silence: all six devices report early, some values are extreme."""
    draw = np.random.default_rng(seed)
    received = np.sort(draw.uniform(0.5, span_s, count)).round(4)
    devices = (1, 2, 3, 4, 5, 6)
    numbers = dict.fromkeys(devices, 0)
    records = []
    for moment in received.tolist():
        device = int(draw.choice(devices))
        numbers[device] += 1
        delay = float(draw.choice(list(delays_s), p=list(delays_s.values())))
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


@dataclass(frozen=True)
class History:
    """A log: records, those that are the first after a gap, and that with which the second city comes into force."""

    records: tuple[Said, ...]
    gaps: frozenset[int]
    config: int

    def told(self, cities: dict[int, City], cuts: Iterable[int] = (), kept: Iterable[int] = ()) -> list[Outputs]:
        """What the fold says when it is cut here, with the state out of a snapshot at these records."""
        state, everything, since_s, snapshots = State(), [], 0.0, set(kept)
        inside = {cut for cut in {*cuts, *snapshots, *self.gaps, self.config} if 0 < cut < len(self.records)}
        for first, last in itertools.pairwise([0, *sorted(inside), len(self.records)]):
            now_s = self.records[last - 1].received_s if last < len(self.records) else HISTORY_UNTIL_S
            missed = (Gap(us(since_s), us(self.records[first].received_s), "paused"),) if first in self.gaps else ()
            batch = batch_of(first + 1, since_s, now_s, self.records[first:last], missed)
            if first == 0 or first == self.config:
                batch = replace(batch, config=2 if first else 1)
            if first in snapshots:
                state = from_fields(to_fields(state))
            state, outputs = step(state, batch, Shelf(cities, {}))
            everything.append(outputs)
            since_s = now_s
        return everything


def history(seed: int, count: int) -> History:
    """Twenty-five minutes with long delays and gaps; in the middle device 6 is removed and the rules change."""
    draw = np.random.default_rng(seed)
    config = int(draw.integers(1, count))
    records = stream(seed, count, 1500, LONG_DELAYS_S)
    left = [record for at, record in enumerate(records) if at < config or record.device != 6]
    return History(tuple(left), frozenset(draw.integers(1, count, 3).tolist()), min(config, len(left) - 1))


def digest(everything: list[Outputs]) -> str:
    run = Run()
    for outputs in everything:
        run.add(outputs)
    return run.digest()


HISTORY_UNTIL_S = 2600.0
histories = st.builds(history, st.integers(0, 2**32), st.integers(20, 160))
places = st.sets(st.integers(1, 160), max_size=10)


@pytest.fixture(scope="module")
def cities(city: City) -> dict[int, City]:
    """Before and after: one device less, no speeding rule, and a silence alarm after half the time."""
    devices = [msgspec.structs.replace(device, silent_after_s=150) for device in city.devices if device.no != 6]
    rules = [msgspec.structs.replace(rule, enabled=rule.kind != "speeding") for rule in city.rules]
    return {1: city, 2: msgspec.structs.replace(city, devices=tuple(devices), rules=tuple(rules))}


@pytest.fixture(scope="module")
def city() -> City:
    return small_city(silent_after_s=300)


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


@settings(max_examples=EXAMPLES * 2, deadline=None)
@given(log=histories, cuts=places, kept=places)
def test_cuts_and_snapshots_change_nothing_in_a_log_with_late_records_gaps_and_a_new_city(
    cities: dict[int, City], log: History, cuts: set[int], kept: set[int]
) -> None:
    assert digest(log.told(cities, cuts, kept)) == digest(log.told(cities))


@settings(max_examples=EXAMPLES, deadline=None)
@given(log=histories, kept=places)
def test_each_sample_is_in_one_window_or_late_and_a_revision_never_has_fewer(
    cities: dict[int, City], log: History, kept: set[int]
) -> None:
    counts: Counter[tuple[int, ...]] = Counter()
    revisions: Counter[tuple[int, ...]] = Counter()
    late = 0
    for outputs in log.told(cities, kept=kept):
        late += outputs.late.size
        for window in outputs.windows[outputs.windows["width_s"] == 60]:
            key = tuple(int(window[name]) for name in ("device", "metric", "lane", "start_us"))
            assert window["revision"] == revisions[key] + 1 and window["count"] > counts[key]
            revisions[key], counts[key] = int(window["revision"]), int(window["count"])
    assert counts.total() + late == sum(record.metric > 0 for record in log.records)


def test_the_histories_of_the_laws_hold_amended_windows_late_samples_and_alarms_that_end(
    cities: dict[int, City],
) -> None:
    said = history(3, 160).told(cities)
    assert max(window["revision"] for outputs in said for window in outputs.windows) > 1
    assert sum(outputs.late.size for outputs in said) > 0
    assert {alarm.condition for outputs in said for alarm in outputs.alarms} == {"active", "normal"}


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
