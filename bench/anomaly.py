"""What a value costs in the anomaly arithmetic, many series at once, against an exponentially weighted z-score in the
same shape (one compiled loop over the same arrays, by the same places).

    python -m bench.anomaly [--bound]
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bench.sides.bounds import holds
from contracts.jit import kernel, warm_up
from processing.detectors.stream import make
from processing.kernels.stream import OUT_STRIDE, STRIDE, score_many

SERIES: Final = 2_000
MINUTES: Final = 500
"""A million values; what came before has warmed every series up."""
CHUNK: Final = 12
CHUNKS: Final = 40_000
LEAST_IN_CHUNKS: Final = 5_000_000
RUNS: Final = 5
ANCHOR_STRIDE: Final = 3


@kernel("void(i8[::1], f8[::1], f8[::1], f8[::1])")
def weighted_z(place: Any, values: Any, state: Any, out: Any) -> None:
    """The anchor: |x - mean| / deviation, both exponentially weighted with step 0.003, as z / (1 + z)."""
    for row in range(values.size):
        base = place[row] * ANCHOR_STRIDE
        value, seen = values[row], state[base] + 1.0
        if not abs(value) <= 1e150:
            out[row] = 0.0
            continue
        deviation, variance = value - state[base + 1], state[base + 2]
        z = abs(deviation) / np.sqrt(variance) if variance > 0.0 else 0.0
        out[row] = z / (1.0 + z) if seen > 30.0 else 0.0
        step = max(0.003, 1.0 / seen)
        state[base], state[base + 1] = seen, state[base + 1] + step * deviation
        state[base + 2] = (1.0 - step) * (variance + step * deviation * deviation)


def main() -> int:
    """Measure, print the table, then the figures as JSON; with `--bound`, whether chunks are as fast as promised."""
    warm_up()
    place, time_us, values = _minutes()
    ours, anchor = _ours(place, time_us, values), _anchor(place, values)
    chunks = _in_chunks(values)
    say = sys.stdout.write
    say(f"{SERIES:,} series, {values.size:,} values, {STRIDE * 8} bytes of state a series\n")
    say(f"{'':28}{'million values/s':>18}\n")
    for name, speed in (("anchor", anchor), ("many series", ours), (f"one, in chunks of {CHUNK}", chunks)):
        say(f"{name:28}{speed / 1e6:18.2f}\n")
    say("anchor: an exponentially weighted z-score in the same shape\n")
    figures: dict[str, object] = {
        "points_per_s": round(ours),
        "points_per_s_in_chunks_of_12": round(chunks),
        "bytes_per_series": STRIDE * 8,
        "ratios": {"many_series": round(ours / anchor, 3)},
    }
    say(json.dumps(figures) + "\n")
    if "--bound" in sys.argv:
        return 0 if holds(f"values a second in chunks of {CHUNK}", round(chunks), at_least=LEAST_IN_CHUNKS) else 1
    return 0


def _minutes() -> tuple[Any, Any, Any]:
    """The same minute of every series, then the next: as the engine hands them over."""
    draw = np.random.default_rng(1)
    place = np.tile(np.arange(SERIES, dtype=np.int64), MINUTES)
    minute = np.repeat(np.arange(MINUTES, dtype=np.int64), SERIES)
    values = 20.0 + 5.0 * np.sin(minute / 230.0) + draw.normal(0.0, 1.0, place.size)
    return place, minute * 60_000_000, values


def _best(run: Callable[[], None], count: int) -> float:
    """Values a second of CPU time, the best of some runs."""
    best_s = float("inf")
    for _ in range(RUNS):
        before_s = time.process_time()
        run()
        best_s = min(best_s, time.process_time() - before_s)
    return count / best_s


def _ours(place: Any, time_us: Any, values: Any) -> float:
    state, out = np.zeros(SERIES * STRIDE), np.empty(values.size * OUT_STRIDE)
    score_many(place, time_us, values, state, out)
    return _best(lambda: score_many(place, time_us, values, state, out), values.size)


def _anchor(place: Any, values: Any) -> float:
    state, out = np.zeros(SERIES * ANCHOR_STRIDE), np.empty(values.size)
    weighted_z(place, values, state, out)
    return _best(lambda: weighted_z(place, values, state, out), values.size)


def _in_chunks(values: Any) -> float:
    detector = make()
    ts_ns = np.arange(CHUNKS * CHUNK, dtype=np.int64) * 60_000_000_000
    parts = [
        (ts_ns[at : at + CHUNK], np.ascontiguousarray(values[at : at + CHUNK]))
        for at in range(0, CHUNKS * CHUNK, CHUNK)
    ]

    def run() -> None:
        for times, piece in parts:
            detector.update_many(times, piece)

    return _best(run, CHUNKS * CHUNK)


if __name__ == "__main__":
    sys.exit(main())
