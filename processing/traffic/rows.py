"""The windows that the cells of traffic flow are said as."""

import numpy as np

from contracts.columns import WINDOW, Columns
from processing.kernels.flow_rows import LEVEL, OF_COUNTED, OF_SEEN, tell_counted, tell_seen, tell_ways
from processing.state import Int64s
from processing.traffic.cells import Cells
from processing.traffic.speeds import Floats
from processing.traffic.tables import Tables


def of_seen(tables: Tables, cells: Cells, sayings: Int64s, ranks: Floats) -> Columns:
    """Windows of what was seen vehicle by vehicle: speeds, V85, headway, and volume and PCU where nothing else counts.

    `ranks` float64 (m * 3,): median, 85th and 95th percentile of whole km/h, by nearest rank.
    """
    out = np.empty(OF_SEEN * len(sayings), WINDOW)
    views = out.view(np.int64), out.view(np.float64)
    told: Columns = out[: tell_seen(sayings.reshape(-1), cells.key, tables.metrics, ranks, *views)]
    return told


def of_counted(tables: Tables, cells: Cells, sayings: Int64s) -> Columns:
    """Windows of interval counts: volume and PCU, with the share of the counts due that came."""
    due = tables.lanes.pick(tables.lanes.due, cells.key, np.nan)
    out = np.empty(OF_COUNTED * len(sayings), WINDOW)
    views = out.view(np.int64), out.view(np.float64)
    told: Columns = out[: tell_counted(sayings.reshape(-1), cells.key, tables.metrics, due, *views)]
    return told


def of_ways(tables: Tables, cells: Cells, sayings: Int64s) -> Columns:
    """Levels of service, 1 (A) to 6 (F), of directions whose free-flow speed and mean speed are known."""
    if not tables.above_share.size:
        return np.empty(0, WINDOW)
    free_kmh = tables.free_kmh[np.minimum(cells.key >> 32, tables.free_kmh.size - 1)]  # its last is nobody's
    out = np.empty(len(sayings), WINDOW)
    views = out.view(np.int64), out.view(np.float64)
    metric, levels = int(tables.metrics[LEVEL]), (free_kmh, tables.above_share)
    told: Columns = out[: tell_ways(sayings.reshape(-1), cells.key, metric, levels, *views)]
    return told
