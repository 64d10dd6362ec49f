"""The kernels of passages and of the trust gate equal their naive twins, with the JIT on and off."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processing.kernels import speeding, trust
from tests.reference import speeding as naive_speeding
from tests.reference import trust as naive_trust

EXAMPLES = 60
HOUR, DAY = 3_600_000_000, 86_400_000_000
MONDAY_8_US = 1_800_000_000_000_000 - 8 * HOUR + 3 * DAY + HOUR
"""2027-01-18 08:00 Thai time, a Monday."""
Ints: TypeAlias = npt.NDArray[np.int64]

of_day = st.integers(0, 24).map(lambda hour: hour * HOUR)
spans = st.tuples(of_day, of_day.filter(bool), st.integers(1, 127)) | st.just((0, DAY, 127))
moments = st.integers(-15 * DAY // HOUR, 15 * DAY // HOUR).map(lambda hours: MONDAY_8_US + hours * HOUR)


@settings(max_examples=EXAMPLES * 3, deadline=None)
@given(spans, moments, st.sampled_from([-1, 0, 1]))
@example((22 * HOUR, 5 * HOUR, 1), MONDAY_8_US - 10 * HOUR, 0)
def test_hours_of_the_week_equal_their_twin(span: tuple[int, int, int], moment: int, off_us: int) -> None:
    assert speeding.in_hours(*span, moment + off_us) == naive_speeding.in_hours(*span, moment + off_us)


def test_hours_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    monday_night = (22 * HOUR, 5 * HOUR, 1)
    at = {"monday 08": 0, "monday 22": 14, "tuesday 04": 20, "tuesday 05": 21, "tuesday 22": 38, "sunday 23": -9}
    inside = {name for name, hours in at.items() if speeding.in_hours(*monday_night, MONDAY_8_US + hours * HOUR)}
    assert inside == {"monday 22", "tuesday 04"}


limits = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-1, 2), st.integers(-1, 3), st.integers(0, 50), st.integers(0, 60), spans),
    max_size=30,
)
asked = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 5), st.integers(0, 5), st.integers(0, 60)), max_size=20)


@settings(max_examples=EXAMPLES, deadline=None)
@given(limits, asked)
def test_the_limit_in_force_equals_its_twin(rows: list[tuple[int, ...]], passages: list[tuple[int, ...]]) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    first = np.array([sum(row[0] < segment for row in rows) for segment in range(5)])
    direction, vehicle = (np.array([row[at] for row in rows], np.int64) for at in (1, 2))
    when = np.array(
        [(MONDAY_8_US + row[3] * HOUR, MONDAY_8_US + row[4] * HOUR, *row[5]) for row in rows],  # type: ignore[misc]
        np.int64,
    )
    facts = np.array([(*passage[:3], MONDAY_8_US + passage[3] * HOUR) for passage in passages], np.int64)
    ours, naive = (np.zeros(len(passages), np.int64) for _ in range(2))
    speeding.find_limit(facts.ravel(), first, direction, vehicle, when.ravel(), ours)
    naive_speeding.find_limit(facts.ravel(), first, direction, vehicle, when.ravel(), naive)
    np.testing.assert_array_equal(ours, naive)


few = st.integers(0, 3)
spoken = st.floats(-9, 9) | st.just(float("nan"))
statuses = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-50, 50), few, few, few, few, few, st.integers(-1, 5), spoken, spoken),
    max_size=100,
    unique_by=lambda row: row[:5],
)
"""Device, event time, boot, seq, part, event, clock source, calibrated until, clock offset and lens score."""
questions = st.lists(
    st.tuples(st.integers(0, 100), st.integers(-1, 1), st.integers(-60, 60), st.sampled_from([1, 10, 1000])),
    max_size=20,
)
"""How many statuses are known, the device, the moment, and how old what is said may be."""


def heard(rows: list[tuple[float, ...]], asked: list[tuple[int, ...]], hear: object) -> tuple[npt.NDArray[Any], ...]:
    """Two devices' memories after statuses, the newest last, and the answers to questions."""
    blank = np.zeros((2 * trust.KEPT, trust.INTS), np.int64)
    blank[:, 0] = trust.NEVER
    newest, ints, floats = np.zeros(2, np.int64), blank.ravel(), np.zeros(2 * trust.KEPT * trust.FLOATS)
    slots = np.array([row[0] for row in rows], np.int64)
    said = np.array([row[1:8] for row in rows], np.int64).ravel()
    measured = np.array([row[8:] for row in rows], np.float64).ravel()
    known = sorted((min(count, len(rows)), device, at, at - age) for count, device, at, age in asked)
    answers = np.zeros(len(known) * trust.TOLD, np.int64)
    put = np.array(known, np.int64).ravel()
    hear(slots, said, measured, (newest, ints), floats, put, answers, answers.view(np.float64))  # type: ignore[operator]
    whole = answers.reshape(-1, trust.TOLD)[:, :3]
    memories = [
        np.roll(memory.reshape(2, trust.KEPT, -1)[device], -1 - newest[device], axis=0)
        for memory in (ints, floats)
        for device in range(2)
    ]
    return *memories, whole, answers.view(np.float64).reshape(-1, trust.TOLD)[:, 3:]


@settings(max_examples=EXAMPLES, deadline=None)
@given(statuses, questions)
def test_the_memory_of_statuses_and_what_it_tells_equal_their_twin(
    rows: list[tuple[float, ...]], asked: list[tuple[int, ...]]
) -> None:
    for ours, naive in zip(heard(rows, asked, trust.hear), heard(rows, asked, naive_trust.hear), strict=True):
        np.testing.assert_array_equal(ours, naive)


@settings(max_examples=EXAMPLES, deadline=None)
@given(statuses, st.randoms(use_true_random=False))
def test_the_memory_of_statuses_does_not_depend_on_their_order(rows: list[tuple[float, ...]], draw: object) -> None:
    mixed = list(rows)
    draw.shuffle(mixed)  # type: ignore[attr-defined]
    for ours, again in zip(heard(rows, [], trust.hear), heard(mixed, [], trust.hear), strict=True):
        np.testing.assert_array_equal(ours, again)


soon = st.integers(0, 9)
settled_cases = st.lists(st.tuples(soon, st.integers(-1, 2), soon, st.integers(-1, 2), soon), max_size=20)
"""When a case was settled, and its witnesses: device and moment each."""


@settings(max_examples=EXAMPLES, deadline=None)
@given(settled_cases, st.lists(st.tuples(soon, st.integers(0, 2), soon), max_size=20))
def test_statuses_behind_settled_cases_equal_their_twin(
    cases: list[tuple[int, ...]], late: list[tuple[int, ...]]
) -> None:
    settled, *others = np.array(sorted(cases), np.int64).reshape(-1, 5).T
    witness, seen_us = np.column_stack(others[0::2]).ravel(), np.column_stack(others[1::2]).ravel()
    tick_us, device, event_us = np.array(sorted(late), np.int64).reshape(-1, 3).T.copy()
    out = [np.zeros(device.size, np.bool_) for _ in range(2)]
    for kernel, flags in zip((trust.behind, naive_trust.behind), out, strict=True):
        newest_us = np.full(3, -1, np.int64)
        kernel(settled.copy(), witness, seen_us, device, event_us, tick_us, newest_us, flags)
    np.testing.assert_array_equal(out[0], out[1])
