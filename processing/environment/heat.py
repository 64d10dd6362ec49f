"""The heat index of each station that measures air temperature and relative humidity, by blocks of minutes.

Temperature and humidity are averaged over the block; it is judged when the device's own windows have left it behind.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.clock import MINUTE_US, SECOND_US
from contracts.columns import Columns
from processing.compiled import Compiled
from processing.environment.derived import HEAT_INDEX, moments, rounded
from processing.environment.runs import by_device, chosen
from processing.kernels.heat import HELD, walk
from processing.state import Int64s, State, grown

NAME: Final = "heat"


@dataclass(slots=True)
class Heat:
    """By device: the open block's start, us, and what it holds (kernels/heat.py)."""

    blocks: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    held: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))


@dataclass(frozen=True, slots=True)
class Asked:
    """The codes of temperature, humidity and what is made of them, the block's width, and how it is rounded."""

    temperature: int
    humidity: int
    number: int
    block_us: int
    decimals: int


def make_asked(compiled: Compiled) -> Asked | None:
    """The city's heat index, None where it has none."""
    codes = compiled.metric_code
    for entry in compiled.city.derived:
        if entry.method == HEAT_INDEX and entry.beside:
            block_us = entry.period_s * SECOND_US
            return Asked(codes[entry.of], codes[entry.beside], codes[entry.metric], block_us, entry.decimals)
    return None


def fold(state: State, compiled: Compiled, closed: Columns) -> Columns:
    """The heat indexes of the blocks that stations left behind in this batch, MOMENT rows."""
    asked = compiled.table(make_asked)
    if asked is None or not closed.size:
        return moments(0)
    metric, device = closed["metric"], closed["device"]
    mine = ((metric == asked.temperature) | (metric == asked.humidity)) & (closed["lane"] == 0)
    mine &= (device < compiled.size) & compiled.known[np.minimum(device, compiled.size - 1)]
    rows = chosen(closed, mine)
    if not rows.size:
        return moments(0)
    heat = state.part(NAME, Heat)
    heat.blocks = grown(heat.blocks, state.size)
    heat.held = grown(heat.held, state.size * HELD)
    facts, figures = np.empty(rows.size * 3, np.int64), np.empty(rows.size * 3, np.float64)
    names = ("place", "device", "said_us", "start_us", "added")
    run, no, tick_us, start_us, added = (np.ascontiguousarray(rows[name]) for name in names)
    which, first = (rows["metric"] == asked.humidity).astype(np.int64), (rows["revision"] == 1).astype(np.int64)
    whole = (by_device(run, no, tick_us, start_us), no, which, start_us, first, added)
    sums = np.ascontiguousarray(rows["added_sum"])
    count = walk(whole, sums, asked.block_us, heat.blocks, heat.held, facts, figures)
    return _moments(asked, rows, facts.reshape(-1, 3)[:count], figures.reshape(-1, 3)[:count])


def _moments(asked: Asked, rows: Columns, facts: Int64s, figures: npt.NDArray[np.float64]) -> Columns:
    at, start_us, minutes = facts.T
    out = moments(at.size)
    out["figure"], out["device"], out["tick_us"] = asked.number, rows["device"][at], rows["said_us"][at]
    out["start_us"] = out["since_us"] = start_us
    out["until_us"] = start_us + asked.block_us
    out["value"] = rounded(figures[:, 0], asked.decimals)
    out["of"], out["beside"] = rounded(figures[:, 1], 1), rounded(figures[:, 2], 0)
    out["valid"], out["share"] = minutes, np.minimum(1.0, minutes * MINUTE_US / asked.block_us)
    return out


def enter(state: State, before: Compiled | None, compiled: Compiled) -> None:
    """A city version comes into force: a block of another width begins anew."""
    if before is not None and before.table(make_asked) != compiled.table(make_asked):
        heat = state.part(NAME, Heat)
        heat.blocks[:], heat.held[:] = 0, 0.0


def inherit(state: State, donor: State) -> None:
    """Take over the blocks that a made past left open, where ours has none."""
    ours, theirs = state.part(NAME, Heat), donor.part(NAME, Heat)
    size = max(state.size, theirs.blocks.size)
    ours.blocks, ours.held = grown(ours.blocks, size), grown(ours.held, size * HELD)
    fresh = np.flatnonzero(theirs.blocks > ours.blocks[: theirs.blocks.size])
    ours.blocks[fresh] = theirs.blocks[fresh]
    ours.held.reshape(-1, HELD)[fresh] = theirs.held.reshape(-1, HELD)[fresh]
