"""The environment's stage: what a city makes of what it measures, and where a figure passes its limit."""

from typing import Final

import numpy as np

from contracts.columns import Batch
from processing import air, derived, heat, hours
from processing.compiled import Compiled
from processing.detectors import exceedance
from processing.said import Said
from processing.state import State

RULE_KINDS: Final = frozenset({exceedance.KIND})
"""Whose alarms go on out of a made past: what they rest on is taken over."""


def fold(state: State, compiled: Compiled, batch: Batch, said: Said) -> None:
    """Say the figures that this batch's windows complete, and report where one passes its limit."""
    made = [heat.fold(state, compiled, said)]
    results = hours.fold(state, compiled, batch, said)
    if results is not None:
        made += derived.figures(compiled, results) + air.indexes(compiled, results)
    rows = np.concatenate(made)
    if rows.size:
        said.windows.append(derived.windows_of(rows))
    exceedance.fold(state, compiled, said, rows)


def enter(state: State, before: Compiled | None, compiled: Compiled, now_us: int, said: Said) -> None:
    """A city version comes into force."""
    hours.enter(state, compiled)
    heat.enter(state, before, compiled)
    exceedance.enter(state, before, compiled, now_us, said)


def inherit(state: State, donor: State) -> None:
    """Take over what a made past remembers."""
    hours.inherit(state, donor)
    heat.inherit(state, donor)
    exceedance.inherit(state, donor)
