"""Times as text."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.clock import DAY_US, SECOND_US, to_iso, to_isos

moments = st.integers(-700_000 * DAY_US, 2_900_000 * DAY_US)
"""From the year 53 to 9909: what a datetime can hold, and more than a log does."""


@given(st.lists(moments | moments.map(lambda us: us // SECOND_US * SECOND_US)))
@example([0, -1, SECOND_US, 100_000])
def test_the_texts_of_many_moments_are_those_of_each(times_us: list[int]) -> None:
    assert to_isos(np.array(times_us, np.int64)) == [to_iso(each) for each in times_us]
