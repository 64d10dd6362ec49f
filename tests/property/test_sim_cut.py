"""However a past is cut, its pieces together are the whole; however a block is reached, it is the same."""

from functools import cache
from itertools import pairwise

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.city import City
from contracts.clock import MINUTE_US, SECOND_US
from contracts.columns import Columns
from simulators.journeys import BLOCK_US
from simulators.past import Block, PastPlan, past
from simulators.sensors import Sensors
from tests.fixtures.phuket import phuket

END = 1_795_312_800 * SECOND_US // BLOCK_US * BLOCK_US + 7 * MINUTE_US + 1
LENGTH = 20 * MINUTE_US
PLAN = PastPlan(counts_s=60)
CUTS = st.lists(st.integers(1, LENGTH - 1), min_size=1, max_size=3, unique=True)


@cache
def some_of_phuket() -> City:
    """A road and a few stations: what is cut matters here, not how much."""
    cameras = [device for device in phuket().devices if device.id.startswith("cam-4024")]
    stations = [device for device in phuket().devices if device.type != "camera"]
    return msgspec.structs.replace(phuket(), devices=(*cameras, *stations[::8]), sections=())


def told(from_us: int, to_us: int) -> list[Block]:
    plan = PastPlan(counts_s=PLAN.counts_s, passages_us=to_us - from_us)
    return list(past(some_of_phuket(), 9, from_us, to_us, plan))


def content(blocks: list[Block], kind: str, names: tuple[str, ...]) -> list[tuple[float, ...]]:
    rows: Columns = np.concatenate([getattr(block, kind) for block in blocks])
    return sorted(zip(*(np.nan_to_num(rows[name], nan=-1).tolist() for name in names), strict=True))


@settings(max_examples=8, deadline=None)
@given(CUTS)
def test_the_pieces_of_a_past_are_the_whole(cuts: list[int]) -> None:
    """Passages, signals and readings; an interval of counts that a cut goes through is not told, the others are."""
    whole = told(END - LENGTH, END)
    edges = [END - LENGTH, *(END - LENGTH + cut for cut in sorted(cuts)), END]
    pieces = [block for one, other in pairwise(edges) for block in told(one, other)]
    for kind, names in (
        ("passages", ("event_us", "device", "lane", "vehicle", "speed_kmh", "track", "colour", "helmet")),
        ("signals", ("event_us", "device", "group", "phase")),
    ):
        assert content(pieces, kind, names) == content(whole, kind, names)
    readings = ("event_us", "device", "metric", "lane", "value")
    one, other = set(content(pieces, "readings", readings)), set(content(whole, "readings", readings))
    assert one <= other
    for missing in other - one:
        assert any(missing[0] < edge < missing[0] + 60 * SECOND_US for edge in edges[1:-1])
    assert sum(len(block.plates) for block in pieces) == sum(len(block.plates) for block in whole)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 86_400), st.integers(1, 3_600), st.integers(1, 3_600))
def test_readings_of_two_stretches_are_those_of_both(start_s: int, first_s: int, second_s: int) -> None:
    sensors = Sensors(phuket(), 4, 60)
    begin = END + start_s * SECOND_US
    middle, end = begin + first_s * SECOND_US, begin + (first_s + second_s) * SECOND_US
    whole, one, other = sensors.between(begin, end), sensors.between(begin, middle), sensors.between(middle, end)
    for name in ("event_us", "station", "series", "value"):
        assert np.array_equal(np.concatenate([getattr(one, name), getattr(other, name)]), getattr(whole, name))
