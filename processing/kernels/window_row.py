"""Where a window's columns stand in its row, for kernels that read and fill rows word by word: each has eight bytes."""

from typing import Final

from contracts.columns import WINDOW

_COLUMNS: Final = list(WINDOW.names or ())
WINDOW_WIDE: Final = len(_COLUMNS)
AT_DEVICE: Final = _COLUMNS.index("device")
AT_METRIC: Final = _COLUMNS.index("metric")
AT_LANE: Final = _COLUMNS.index("lane")
AT_WIDTH: Final = _COLUMNS.index("width_s")
AT_START: Final = _COLUMNS.index("start_us")
AT_REVISION: Final = _COLUMNS.index("revision")
AT_COUNT: Final = _COLUMNS.index("count")
AT_ADDED: Final = _COLUMNS.index("added")
AT_MEAN: Final = _COLUMNS.index("mean")
AT_MIN: Final = _COLUMNS.index("min")
AT_MAX: Final = _COLUMNS.index("max")
AT_SD: Final = _COLUMNS.index("sd")
AT_MEDIAN: Final = _COLUMNS.index("median")
AT_P85: Final = _COLUMNS.index("p85")
AT_P95: Final = _COLUMNS.index("p95")
AT_LAST: Final = _COLUMNS.index("last")
AT_COMPLETENESS: Final = _COLUMNS.index("completeness")
AT_PLACE: Final = _COLUMNS.index("place")
AT_SAID: Final = _COLUMNS.index("said_us")
AT_ADDED_SUM: Final = _COLUMNS.index("added_sum")
