"""Every kernel equals its naive twin, with the JIT on and off, and none lacks one."""

import importlib
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import processing.engine  # registers every kernel
from contracts.columns import IDENTITY
from contracts.jit import registered, warm_up
from processing.kernels import identity
from tests.fixtures.jit_off import JIT_OFF
from tests.reference import identity as naive_identity

assert processing.engine
EXAMPLES = 60
small = st.integers(0, 5)


@pytest.mark.parametrize("name", [e.name for e in registered() if e.name.startswith("processing.") and not e.inner])
def test_every_kernel_has_a_naive_twin(name: str) -> None:
    module, _, function = name.rpartition(".")
    twin = importlib.import_module(module.replace("processing.kernels", "tests.reference"))
    assert callable(getattr(twin, function, None)), f"{twin.__name__} lacks {function}"


@pytest.mark.skipif(JIT_OFF, reason="there is nothing to compile with the JIT off")
def test_after_warm_up_a_wrong_dtype_is_an_error_and_not_a_stall() -> None:
    assert warm_up() == len(registered())
    wrong = np.zeros(1, np.float32)
    with pytest.raises(TypeError):
        identity.note(wrong, wrong, wrong)


Ints: TypeAlias = npt.NDArray[np.int64]


def ints(values: list[int]) -> Ints:
    return np.array(values, np.int64)


def columns_of(rows: list[tuple[int, ...]]) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Device, boot, number, digest and event time of rows."""
    device, boot, seq, digest, event_us = (ints([row[column] for row in rows]) for column in range(5))
    return device, boot, seq, digest, event_us


numbers = st.one_of(st.integers(1, 12), st.integers(1000, 1100), st.integers(2000, 2400))


def by_kind(rows: list[tuple[int, ...]], kinds: list[int]) -> tuple[npt.NDArray[np.void], ...]:
    """Rows as accepted rows of four kinds, each in order of arrival."""
    table = np.zeros(len(rows), IDENTITY)
    for at, row in enumerate(rows):
        table[at] = (at * 3, row[0], row[1], row[2], 0, row[3], row[4], row[4], row[4] % 3)
    kind = np.resize(np.array(kinds), len(rows))
    parts = [np.zeros(np.count_nonzero(kind == number), IDENTITY) for number in range(4)]
    for number, part in enumerate(parts):
        part[:] = table[kind == number]
    return tuple(parts)


messages = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), numbers, small, st.integers(0, 99)), max_size=90)


@settings(max_examples=EXAMPLES, deadline=None)
@given(messages, messages, st.lists(st.integers(0, 3), min_size=1, max_size=7))
def test_the_identity_memory_equals_its_twin(
    past: list[tuple[int, ...]], asked: list[tuple[int, ...]], kinds: list[int]
) -> None:
    ours, naive = (np.zeros(2 * identity.STRIDE, np.int64) for _ in range(2))
    accepted = by_kind(past, kinds)
    moved = [np.zeros(2, np.int8) for _ in range(2)]
    identity.note(accepted, ours, moved[0])
    naive_identity.note(accepted, naive, moved[1])
    np.testing.assert_array_equal(moved[0], moved[1])
    np.testing.assert_array_equal(ours, naive)
    questions = columns_of([*asked, *past])
    verdict, twins = (np.zeros(len(asked) + len(past), np.int8) for _ in range(2))
    identity.query(*questions, ours, verdict)
    naive_identity.query(*questions, naive, twins)
    np.testing.assert_array_equal(verdict, twins)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), numbers), max_size=60), numbers)
def test_bits_and_marks_equal_their_twins(settled: list[tuple[int, int]], cleared: int) -> None:
    ours, naive = (np.zeros(identity.STRIDE, np.int64) for _ in range(2))
    for boot, number in settled:
        identity.settle(ours, 0, boot, number)
        naive_identity.settle(naive, 0, boot, number)
        identity.remember(ours, 0, number, boot, number)
        naive_identity.remember(naive, 0, number, boot, number)
    np.testing.assert_array_equal(ours, naive)
    assert identity.has_bit(ours, 0, cleared) == naive_identity.has_bit(naive, 0, cleared)
    identity.clear_bit(ours, 0, cleared)
    naive_identity.clear_bit(naive, 0, cleared)
    np.testing.assert_array_equal(ours, naive)
