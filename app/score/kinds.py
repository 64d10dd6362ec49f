"""Which alarms a planted fault is found by, and which of them are its own: the one table of this.

What an alarm kind is about is said in the city's rationalised list; here stands only which of the simulator's faults it
answers. An alarm on the device of a planted fault, while it lasts or shortly after, is never counted as invented, also
where it is of another kind: a frozen value that jumps back is a level shift, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Answer:
    """How a fault is found.

    `alarms`: kinds that find it, the first one its own: what is invented of that counts against this fault.
    `same_metric`: an alarm that names another metric does not find it. `needs`: share of its devices that the alarms
    together must name. `suppressed`: only an alarm that was suppressed by design may be raised by it. `at_most`: more
    alarms than this are a flutter and no find. `late_s`: the alarm may begin so long after the fault is over.
    """

    alarms: tuple[str, ...]
    same_metric: bool = False
    needs: float = 0.0
    suppressed: bool = False
    at_most: int = 1_000_000
    late_s: float = 600.0


ANSWERS: Final[Mapping[str, Answer]] = MappingProxyType(
    {
        "spike": Answer(("anomaly-spike", "anomaly-shift"), same_metric=True),
        "level_shift": Answer(("anomaly-shift", "anomaly-spike", "sensor-disagrees", "drift"), same_metric=True),
        "flatline": Answer(("frozen-value",), same_metric=True),
        "drift": Answer(("drift", "sensor-disagrees"), same_metric=True),
        "disagreement": Answer(("sensor-disagrees", "drift"), same_metric=True),
        "city_event": Answer(("city-event",), same_metric=True),
        "stuck_counter": Answer(("frozen-value",)),
        "device_silent": Answer(("silence",), needs=1.0),
        "street_outage": Answer(("outage",), needs=0.99),
        "chattering": Answer(("silence",), needs=1.0, at_most=2),
        "siren_test": Answer((), suppressed=True),
        "congestion": Answer(("congestion",)),
        "incident": Answer(("incident",)),
        "haze": Answer(("pm25-24h", "aqi", "aqi-red")),
        "loud": Answer(("noise-24h", "noise-high")),
        "downpour": Answer(("rain-1h", "rain-24h", "rain-24h-very-heavy", "landslide-24h")),
        "high_water": Answer(("water-level",)),
        "heat": Answer(("heat-index", "heat-index-extreme")),
    }
)
MISTRUST: Final = frozenset({"clock_drift", "dirty_lens", "out_of_calibration", "maintenance"})
"""Found where every case of the device says so; without a case there is nothing to find."""
MEASURED: Final = frozenset(
    {"pm2_5", "pm10", "no2", "o3", "so2", "co", "temperature", "humidity", "pressure", "laeq", "lamax", "level_m"}
)
"""Metrics that a fault of another metric leaves alone: an alarm on one of them is not explained by it."""
AFTER_S: Final = 3_600.0
"""What a fault shakes goes on for so long after it: an alarm on its devices then is explained by it."""
DAY_S: Final = 86_400.0
REMEMBERING_S: Final[Mapping[str, float]] = MappingProxyType(
    {
        "pm25-24h": DAY_S,
        "aqi": DAY_S,
        "aqi-red": DAY_S,
        "noise-24h": DAY_S,
        "rain-24h": DAY_S,
        "rain-24h-very-heavy": DAY_S,
        "landslide-24h": DAY_S,
        "landslide-3d": 3 * DAY_S,
    }
)
"""Alarms on means and sums over long: what happened so long ago explains them."""
