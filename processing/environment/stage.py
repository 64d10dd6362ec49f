"""The environment's stage: what a city makes of what it measures, and where a figure passes its limit."""

from typing import Final

import numpy as np

from contracts.columns import Batch
from processing.compiled import Compiled
from processing.detectors import exceedance
from processing.environment import air, derived, heat, hours
from processing.environment.runs import chosen
from processing.said import Said
from processing.state import Int64s, State

RULE_KINDS: Final = frozenset({exceedance.KIND})
"""Whose alarms go on out of a made past: what they rest on is taken over."""


HEAT, LIMITS, PLANS = 1, 2, 4
"""Who looks at the windows of a metric, as bits; those of plan p have the bit PLANS << p."""


def make_looks(compiled: Compiled) -> Int64s:
    """By metric code, who looks at its windows: most are of traffic, and nobody does."""
    plans, asked = compiled.table(derived.make_plans), compiled.table(heat.make_asked)
    looks = np.zeros(plans[0].length.size + 1, np.int64)
    for number, plan in enumerate(plans):
        looks[:-1][plan.length > 0] |= PLANS << number
    if asked:
        looks[[asked.temperature, asked.humidity]] |= HEAT
    for watch in compiled.table(exceedance.make_watches):
        if watch.figure == 0:
            looks[watch.metric] |= LIMITS
    return looks


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Say the figures that this batch's windows complete, and report where one passes its limit."""
    looks = compiled.table(make_looks)
    closed = said.minutes_of(looks > 0)
    looked = looks[np.minimum(closed["metric"], looks.size - 1)]
    made = [heat.fold(state, compiled, chosen(closed, looked & HEAT > 0))]
    for number, plan in enumerate(compiled.table(derived.make_plans)):
        results = hours.fold(state, compiled, plan, batch, chosen(closed, looked & (PLANS << number) > 0))
        if results is not None:
            made += derived.figures(results)
            made += [] if number else air.indexes(compiled, results)
    rows = np.concatenate(made)
    if rows.size:
        said.windows.append(derived.windows_of(rows))
    measured = chosen(closed, looked & LIMITS > 0)
    if rows.size or measured.size:
        exceedance.fold(state, compiled, said, measured, rows)


def enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int, said: Said) -> None:
    """A city version comes into force."""
    hours.enter(state, compiled)
    heat.enter(state, before, compiled)
    exceedance.enter(state, before, compiled, now_us, said)


def inherit(state: State, donor: State, compiled: Compiled) -> None:
    """Take over what a made past remembers."""
    hours.inherit(state, donor, compiled)
    heat.inherit(state, donor)
    exceedance.inherit(state, donor)
