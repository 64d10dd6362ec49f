"""The kernels on order and on signals equal their naive twins, with the JIT on and off."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.kernels import ordering, red_light
from tests.reference import ordering as naive_ordering
from tests.reference import red_light as naive_red_light

EXAMPLES = 60
SECOND = 1_000_000
Ints = npt.NDArray[np.int64]


def ints(values: list[int]) -> Ints:
    return np.array(values, np.int64)


def columns(rows: list[tuple[int, ...]], width: int) -> tuple[Ints, ...]:
    return tuple(ints([row[at] for row in rows]) for at in range(width))


moments = st.integers(0, 400).map(lambda quarter: quarter * SECOND // 4)
records = st.lists(st.tuples(st.integers(0, 3), moments, moments), max_size=40)


@settings(max_examples=EXAMPLES, deadline=None)
@given(told=records, last=st.integers(0, 110))
def test_hearings_equal_their_twin(told: list[tuple[int, ...]], last: int) -> None:
    out = []
    rows = columns(sorted(told, key=lambda row: row[1]), 3)
    for module in (ordering, naive_ordering):
        stamp = np.full(4, -1, np.int64)
        heard = tuple(np.zeros(len(told), np.int64) for _ in range(3))
        count = module.gather(rows, 5 * SECOND, stamp, heard)
        ears = tuple(np.full(4, blank * SECOND, np.int64) for blank in (20, 0, -1))
        module.remember(tuple(column[:count] for column in heard), last * SECOND, ears)
        out.append([column.tolist() for column in (*(part[:count] for part in heard), stamp, *ears)])
    assert out[0] == out[1]


@settings(max_examples=EXAMPLES, deadline=None)
@given(told=records, shifted=st.booleans(), about=st.tuples(moments, st.integers(0, 1), st.integers(0, 9)))
def test_records_enter_as_their_twin_says(told: list[tuple[int, ...]], shifted: bool, about: tuple[int, ...]) -> None:
    which = np.arange(len(told) - 1, -1, -2, dtype=np.int64)
    group, shift = which * 3, which * 7 if shifted else ints([])
    made = []
    for module in (ordering, naive_ordering):
        rows = np.full(which.size * ordering.ROW_WIDTH, -9, np.int64)
        module.enter(columns(told, 3), which, group, shift, ints(list(about)), rows)
        made.append(rows.tolist())
    assert made[0] == made[1]


spans = st.tuples(st.integers(1, 10), st.integers(-1, 90), st.integers(0, 40))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    heard=records,
    span=spans,
    before=st.lists(st.tuples(moments, st.integers(0, 5)), min_size=4, max_size=4),
    frontier=st.lists(moments, min_size=3, max_size=3),
)
def test_frontiers_equal_their_twin(
    heard: list[tuple[int, ...]], span: tuple[int, int, int], before: list[tuple[int, int]], frontier: list[int]
) -> None:
    groups = ints([0, 2, 2, 5]), ints([0, 1, 1, 2, 3])
    device, received_us, event_us = columns(sorted(heard, key=lambda row: row[1]), 3)
    tick_us = np.maximum(span[0] * SECOND, (received_us // SECOND + 1) * SECOND)
    told = []
    for advance in (ordering.advance, naive_ordering.advance):
        newest, last = columns([(a, b * SECOND) for a, b in before], 2)
        frontiers_us = ints([*frontier, *([0] * 3 * (span[1] + 1))])
        advance((tick_us, device, event_us), span_us(span), (newest, last), groups, np.zeros(3, np.int64), frontiers_us)
        told.append(frontiers_us.tolist())
    assert told[0] == told[1]


def span_us(span: tuple[int, int, int]) -> Ints:
    return ints([span[0] * SECOND, (span[0] + span[1]) * SECOND, span[2] * SECOND])


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    told=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 14), st.integers(0, 2), st.integers(0, 3)),
        max_size=40,
    ),
    rises=st.lists(st.tuples(*(st.integers(0, 3) for _ in range(3))), min_size=1, max_size=8),
)
def test_what_is_handed_out_when_and_in_which_order_equals_its_twin(
    told: list[tuple[int, ...]], rises: list[tuple[int, ...]]
) -> None:
    frontiers_us = np.cumsum(np.array(rises, np.int64), axis=0).ravel() * SECOND
    span = ints([3 * SECOND, (len(rises) + 1) * SECOND, 0])
    said = []
    for module in (ordering, naive_ordering):
        rows = np.zeros((len(told), ordering.ROW_WIDTH), np.int64)
        for row, (group, time_s, counted_s, hold_s, device) in zip(rows, told, strict=True):
            row[:4] = group, time_s * SECOND, max(counted_s, 3) * SECOND, hold_s * SECOND
            row[ordering.DEVICE] = device
        flat, order = rows.ravel(), np.zeros(len(told), np.int64)
        module.release(frontiers_us, span, 3, flat)
        count = module.put_in_order(flat, span, np.zeros(len(rises) + 1, np.int64), order)
        said.append((flat.tolist(), order[:count].tolist()))
    assert said[0] == said[1]


changes = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 60), st.integers(0, 4)), max_size=90)
passing = st.tuples(
    st.integers(0, 1), st.integers(0, 60), st.sampled_from([-1, -1, 1, 1, 2, 3, 3, 0]), st.integers(0, 3), st.booleans()
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(past=changes, rows=st.lists(passing, max_size=40), waiting=st.integers(0, 5))
def test_verdicts_at_signals_equal_their_twin(
    past: list[tuple[int, int, int]], rows: list[tuple[int, int, int, int, bool]], waiting: int
) -> None:
    rows = [*((slot, event, -1, unsure, own) for slot, event, _, unsure, own in rows[:waiting]), *rows[waiting:]]
    limits = ints([2, 10, 40, 5])
    told = []
    for module in (red_light, naive_red_light):
        history = tuple(np.zeros(size, np.int64) for size in (64, 64, 2))
        for slot, event, phase in past:
            module.change(history, slot, event, phase)
        slots, events, phases, unsure_us, owned = columns([tuple(int(value) for value in row) for row in rows], 5)
        out = np.arange(len(rows), dtype=np.int64)
        verdict, said = (np.zeros(len(rows), np.int64) for _ in range(2))
        found = np.zeros(2 * len(rows), np.int64)
        module.watch(
            (slots, events, phases, out, unsure_us, owned),
            min(waiting, len(rows)),
            history,
            limits,
            verdict,
            found,
            said,
        )
        marked = np.repeat(verdict == 1, 2)
        kept = [
            [part[slot * red_light.CHANGES :][: history[2][slot]].tolist() for part in history[:2]] for slot in range(2)
        ]
        told.append((verdict.tolist(), found[marked].tolist(), said.tolist(), kept))
    assert told[0] == told[1]


def test_a_passage_is_judged_as_its_twin_does() -> None:
    history = tuple(np.zeros(size, np.int64) for size in (32, 32, 1))
    for event, phase in ((0, 3), (50, 2), (53, 1)):
        red_light.change(history, 0, event, phase)
    for event in range(49, 70):
        ours, naive = np.zeros(2, np.int64), np.zeros(2, np.int64)
        asked = (history, 0, event, 1, 0, ints([2, 10, 40, 5]))
        assert red_light.judge(*asked, ours) == naive_red_light.judge(*asked, naive)
        assert ours.tolist() == naive.tolist()
