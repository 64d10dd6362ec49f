"""The laws of the fold (ARCHITECTURE.md) over every rule and detector, from one list: streams in tests/fixtures/cases.

A rule that is added adds its stream; a test below fails for a kind of finding that no stream shows.
"""

import importlib
import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.removing import without_device
from contracts.columns import Gap
from contracts.errors import ConfigError
from contracts.records import StatusEvent
from processing.digest import Run
from processing.engine import step
from processing.kernels.trust import KEPT
from processing.rulebook import FORMS
from processing.state import State, from_fields, to_fields
from tests.fixtures.law_case import LawCase, Told, batch_of_told
from tests.fixtures.stream import Shelf, us

FOLDER = Path(__file__).parents[1] / "fixtures" / "cases"
CASES: list[LawCase] = [
    importlib.import_module(f"tests.fixtures.cases.{path.stem}").case() for path in sorted(FOLDER.glob("*.py"))
]
PROMPT_S, REORDER_S = 0.05, 1.9
SLOW = {"max_examples": 12, "deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

over_cases = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
seeds = st.integers(0, 2**16)
shares = st.lists(st.floats(0, 1), max_size=8)
"""Where in a stream something happens, as shares of its length."""


def places(records: list[Told], at: Iterable[float]) -> list[int]:
    return sorted({int(share * (len(records) - 1)) + 1 for share in at} - {0, len(records)})


def told(
    case: LawCase,
    records: list[Told],
    cuts: Iterable[int] = (),
    kept: Iterable[int] = (),
    gap: int = 0,
    config: int = 0,
) -> Run:
    """What the fold says of these records, cut here, with the state out of a snapshot there; `gap`: before this record
    we did not listen; `config`: with this record the later city comes into force."""
    state, run, since_s = State(), Run(), 0.0
    snapshots = set(kept)
    inside = {*cuts, *snapshots, gap, config} - {0, len(records)}
    for n, (first, last) in enumerate(itertools.pairwise([0, *sorted(inside), len(records)]), start=1):
        now_s = case.until_s if last == len(records) else records[last - 1].received_s
        gaps = (Gap(us(since_s), us(records[first].received_s), "paused"),) if gap and first == gap else ()
        version = 1 if n == 1 else 2 if config and first == config else None
        if first in snapshots:
            state = from_fields(to_fields(state))
        batch = batch_of_told(n, since_s, now_s, records[first:last], gaps, version)
        state, outputs = step(state, batch, Shelf({1: case.city, 2: case.later}, {}))
        run.add(outputs)
        since_s = now_s
    return run


def kinds(case: LawCase, run: Run) -> set[str]:
    """Kinds of what was said: rules of violations, kinds of alarms, metrics of windows."""
    names = {metric.code: metric.key for metric in case.city.metrics}
    return {
        *(violation.rule for violation in run.violations.values()),
        *(alarm.kind for alarm in run.alarms.values()),
        *(names[key[1]] for key in run.windows),
    }


@over_cases
def test_the_stream_shows_what_it_is_there_for(case: LawCase) -> None:
    missing = case.shows - kinds(case, told(case, case.records(0)))
    assert not missing


def test_every_kind_of_rule_is_shown_by_a_stream() -> None:
    shown = set().union(*(case.shows for case in CASES))
    rules = {
        rule.kind
        for case in CASES
        for rule in case.city.rules
        if {rule.id, rule.kind, *FORMS[rule.kind].alarms} & shown
    }
    settings_alone = {"trust", "notice"}  # rules that say nothing themselves
    assert set(FORMS) <= rules | shown | settings_alone | {"silence"}, "silence has its stream in test_laws.py"


@over_cases
@settings(**SLOW)  # type: ignore[arg-type]
@given(seed=seeds, cuts=shares, kept=shares)
def test_cuts_and_snapshots_change_nothing(case: LawCase, seed: int, cuts: list[float], kept: list[float]) -> None:
    records = case.records(seed)
    whole = told(case, records)
    assert told(case, records, places(records, cuts), places(records, kept)).digest() == whole.digest()


@over_cases
def test_a_snapshot_at_every_record_changes_nothing(case: LawCase) -> None:
    records = case.records(1)
    middle = records[: min(len(records), 150)]
    assert told(case, middle, kept=range(1, len(middle))).digest() == told(case, middle).digest()


@over_cases
@settings(**SLOW)  # type: ignore[arg-type]
@given(seed=seeds, cuts=shares, gap=st.floats(0, 1), config=st.floats(0, 1))
def test_cuts_change_nothing_around_a_gap_and_a_new_city_in_the_middle_of_episodes(
    case: LawCase, seed: int, cuts: list[float], gap: float, config: float
) -> None:
    records = case.records(seed)
    where, when = (*places(records, [gap]), 0)[0], (*places(records, [config]), 0)[0]
    whole = told(case, records, gap=where, config=when)
    cut = told(case, records, places(records, cuts), places(records, cuts[:3]), where, when)
    assert cut.digest() == whole.digest()


@over_cases
@settings(**SLOW)  # type: ignore[arg-type]
@given(seed=seeds)
def test_the_order_of_devices_within_a_tick_changes_nothing(case: LawCase, seed: int) -> None:
    records = case.records(seed)
    order = np.random.default_rng(seed).permutation(1 + max(record.device for record in records)).tolist()
    mixed = sorted(records, key=lambda record: (int(record.received_s), order[record.device]))
    moments = sorted(record.received_s for record in records)
    mixed = [replace(record, received_s=moment) for record, moment in zip(mixed, moments, strict=True)]
    assert told(case, mixed).digest() == told(case, records).digest()


@over_cases
@settings(**SLOW)  # type: ignore[arg-type]
@given(seed=seeds, cut_off=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2**16)), min_size=1, max_size=12))
def test_last_wills_change_no_finding(case: LawCase, seed: int, cut_off: list[tuple[float, int]]) -> None:
    """Each of these devices comes and goes so often that nothing else of what it said of itself would be remembered."""
    records = case.records(seed)
    devices = sorted({record.device for record in records if record.kind != "reject"})
    wills = [
        Told("status", devices[which % len(devices)], moment_s, moment_s, 0, {"event": int(StatusEvent.DEATH)}, boot=0)
        for moment_s, which in ((share * case.until_s, which) for share, which in cut_off)
        for _ in range(KEPT + 1)
    ]
    willed = sorted([*records, *wills], key=lambda record: record.received_s)
    assert told(case, willed).digest() == told(case, records).digest()


@over_cases
@settings(**SLOW)  # type: ignore[arg-type]
@given(seed=seeds)
def test_a_shuffle_within_the_reorder_window_changes_no_final_finding(case: LawCase, seed: int) -> None:
    draw = np.random.default_rng(seed)
    soon = [record for record in case.records(seed) if record.received_s - record.event_s < REORDER_S]

    def delayed(by: Iterable[float]) -> list[Told]:
        moved = [replace(r, received_s=round(r.event_s + delay, 4)) for r, delay in zip(soon, by, strict=True)]
        return sorted(moved, key=lambda record: record.received_s)

    prompt = told(case, delayed(itertools.repeat(PROMPT_S, len(soon))))
    shuffled = told(case, delayed(draw.uniform(PROMPT_S, REORDER_S, len(soon)).tolist()))
    assert shuffled.digest() == prompt.digest()


@over_cases
def test_a_device_outside_a_rules_group_does_not_affect_it(case: LawCase) -> None:
    if not case.outside:
        return
    records = case.records(2)
    alone = [record for record in records if record.device not in case.outside]
    runs = told(case, records), told(case, alone)
    for run in runs:
        run.windows = {key: row for key, row in run.windows.items() if key[0] not in case.outside}
        run.alarms = {key: alarm for key, alarm in run.alarms.items() if alarm.device not in case.outside}
        run.violations = {key: case_ for key, case_ in run.violations.items() if case_.device not in case.outside}
    assert runs[0].digest() == runs[1].digest()


@over_cases
def test_any_device_may_leave_the_city_in_the_middle(case: LawCase) -> None:
    """Also the one with the highest number: what is by device in the state is longer than what the city has."""
    records = case.records(4)
    left_s, here = records[len(records) // 2].received_s, records[: len(records) // 2]
    before, _ = step(State(), batch_of_told(1, 0.0, left_s, here, config=1), Shelf({1: case.city}, {}))
    fields = to_fields(before)
    for device in case.city.devices:
        try:
            later = without_device(case.city, device.id)
        except ConfigError:
            continue
        rest = [record for record in records[len(here) :] if record.device != device.no]
        batch = batch_of_told(2, left_s, case.until_s, rest, config=2)
        state, _ = step(from_fields(fields), batch, Shelf({1: case.city, 2: later}, {}))
        assert state.moments.n == 2


@over_cases
def test_nonsense_in_a_log_stops_nothing_and_is_cut_as_it_likes(case: LawCase) -> None:
    """Values that are no numbers or infinite, clocks that go back a day, and everything twice."""
    draw, records = np.random.default_rng(3), []
    for record in case.records(3):
        spoilt = {name: value for name, value in record.fields.items()}
        if draw.random() < 0.1:
            for name in ("value", "speed_kmh", "dwell_s"):
                if name in spoilt:
                    spoilt[name] = float(draw.choice([np.nan, np.inf, -np.inf, 1e308]))
        event_s = record.event_s - 86_400 if draw.random() < 0.03 else record.event_s
        records += [replace(record, fields=spoilt, event_s=event_s)] * (2 if draw.random() < 0.2 else 1)
    whole = told(case, records)
    assert told(case, records, range(7, len(records), 41), range(20, len(records), 97)).digest() == whole.digest()
