"""Our own window stage over ready-made batches, as `step` runs it: arrivals by device, then the stage."""

from typing import Any, Final

import numpy as np

from bench.sides.readings import METRICS, Readings, batches, city
from bench.sides.tables import FULL, Table, in_order
from contracts.clock import MINUTE_US
from contracts.columns import WINDOW, Columns
from processing import windows
from processing.compiled import compile_city
from processing.said import Said
from processing.state import State
from processing.timeline import arrive

BATCH: Final = 50_000
"""Readings a batch: ten busy seconds of a city; what lies in the cache is folded faster than an hour at once."""


class InOurs:
    """Batches of log rows, as they come from the log."""

    def __init__(self, readings: Readings, series: int) -> None:
        self._batches = batches(readings, BATCH)
        self._compiled = compile_city(city(series, readings.interval_s))

    def windows(self, plain: bool) -> Any:
        """The windows as rows of WINDOW, batch by batch. The stage says every statistic, whatever is asked for."""
        state, made = State(), []
        state.grow(self._compiled.size)
        state.moments.config = 1
        for batch in self._batches:
            said = Said(arrive(batch, state.size))
            windows.fold(state, self._compiled, batch, said)
            made.append(said.closed)
        return np.concatenate([rows.view(np.int64) for rows in made]).view(WINDOW)

    @staticmethod
    def columns(rows: Columns) -> Table:
        """A result as columns, by series and minute."""
        out: Table = {name: np.ascontiguousarray(rows[name]) for name in FULL}
        out["series"] = (rows["device"].astype(np.int64) - 1) * len(METRICS) + rows["metric"] - 1
        out["minute"] = rows["start_us"] // MINUTE_US
        assert (rows["revision"] == 1).all(), "a reading was late"
        return in_order(out)
