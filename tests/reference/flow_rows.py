"""Naive twins of processing/kernels/flow_rows.py."""

import math
from typing import Any

from contracts.columns import WINDOW
from processing.kernels.flow import COUNTED_WIDE, MINUTES_IN, SAYING, SEEN_WIDE, WAY_WIDE
from processing.kernels.flow_new import PACE_AT_001_KMH
from tests.reference.flow import end_us

Row = dict[str, Any]


def tell_seen(sayings: Any, key: Any, metrics: Any, ranks: Any, rows: Any, figures: Any) -> int:
    told: list[Row] = []
    volume, pcu, time_mean, space_mean, v85, headway, _los = metrics.tolist()[:7]
    for saying, (median, p85, p95) in zip(_cut(sayings, SEEN_WIDE), ranks.reshape(-1, 3).tolist(), strict=True):
        now, then = _now_and_then(saying, SEEN_WIDE)
        vehicles, units, passed, speeds, total, squares, paces, slowest, first_us, fastest, last_us = now
        if passed != then[2] and vehicles > 0:
            told += [_row(saying, key, volume, passed, then[2], vehicles)]
            told += [_row(saying, key, pcu, passed, then[2], units / 100)]
        if passed != then[2] and passed > 1:
            told += [_row(saying, key, headway, passed, then[2], (last_us - first_us) / (passed - 1) / 1_000_000)]
        if speeds != then[3] and speeds > 0:
            row = _row(saying, key, time_mean, speeds, then[3], total / speeds / 100.0)
            spread = (speeds * squares - total * total) / (speeds * (speeds - 1.0)) if speeds > 1 else math.nan
            sd = math.sqrt(spread) / 100.0 if spread >= 0 else math.nan
            row |= {"min": slowest / 100.0, "max": fastest / 100.0, "last": math.nan, "sd": sd}
            told += [row | {"median": median, "p85": p85, "p95": p95}]
            told += [_row(saying, key, space_mean, speeds, then[3], PACE_AT_001_KMH / (paces / speeds) / 100.0)]
            told += [_row(saying, key, v85, speeds, then[3], p85)]
    return _fill(rows, told)


def tell_counted(sayings: Any, key: Any, metrics: Any, due: Any, rows: Any, figures: Any) -> int:
    told: list[Row] = []
    for saying in _cut(sayings, COUNTED_WIDE):
        now, then = _now_and_then(saying, COUNTED_WIDE)
        expected = float(due[saying[0]]) * MINUTES_IN[saying[1]]
        complete = min(1.0, now[2] / expected) if expected > 0 else math.nan
        if now[2] not in (0, then[2]):
            told += [
                _row(saying, key, int(metrics[at]), now[2], then[2], figure) | {"completeness": complete}
                for at, figure in enumerate((float(now[0]), now[1] / 100))
            ]
    return _fill(rows, told)


def tell_ways(sayings: Any, key: Any, metric: int, levels: Any, rows: Any, figures: Any) -> int:
    told: list[Row] = []
    for saying in _cut(sayings, WAY_WIDE):
        now, then = _now_and_then(saying, WAY_WIDE)
        free_kmh = float(levels[0][saying[0]])
        if now[0] > 0 and now[:2] != then[:2] and not math.isnan(free_kmh):
            share = now[1] / now[0] / 100.0 / free_kmh
            level = 1.0 + sum(share <= above for above in levels[1].tolist())
            told += [_row(saying, key, metric, now[0], then[0], level)]
    return _fill(rows, told)


def _cut(sayings: Any, wide: int) -> list[list[int]]:
    cut: list[list[int]] = sayings.reshape(-1, SAYING + 2 * wide).tolist()
    return cut


def _now_and_then(saying: list[int], wide: int) -> tuple[list[int], list[int]]:
    return saying[SAYING : SAYING + wide], saying[SAYING + wide :]


def _row(saying: list[int], key: Any, metric: int, count: int, before: int, figure: float) -> Row:
    place, width, period, said_us, revision = saying[:SAYING]
    row: Row = dict.fromkeys(("mean", "min", "max", "median", "last"), figure)
    row |= dict.fromkeys(("sd", "p85", "p95", "completeness", "added_sum"), math.nan)
    return row | {
        "device": int(key[place]) >> 32, "metric": metric, "lane": int(key[place]) & 0xFFFF,
        "width_s": MINUTES_IN[width] * 60, "start_us": end_us(width, period - 1), "revision": revision,
        "count": count, "added": count - before, "place": -1, "said_us": said_us,
    }  # fmt: skip


def _fill(rows: Any, told: list[Row]) -> int:
    """Fill in the windows of metrics that the city lists."""
    listed = [row for row in told if row["metric"] >= 0]
    for at, row in enumerate(listed):
        rows.view(WINDOW)[at] = tuple(row[name] for name in WINDOW.names or ())
    return len(listed)
