"""Naive twin of processing/kernels/thresholds.py."""

from typing import Any

from processing.kernels.thresholds import BEGAN, CHANGED, ENDED, NEVER, NOTHING


def judge(rows: Any, figures: Any, state: Any, reported: Any, delays: Any, out: Any) -> None:
    active, began, ending, last = state
    on_us, off_us, gap_us = delays
    columns = [column.tolist() for column in (*rows, *figures)]
    for row, (slot, since, until, always, value, limit, clear) in enumerate(zip(*columns, strict=True)):
        said, onset = NOTHING, out[row * 2 + 1]
        if until > last[slot]:
            unseen, last[slot] = since - last[slot] > gap_us, until
            if not active[slot]:
                if value <= limit:
                    began[slot] = NEVER
                else:
                    began[slot] = since if unseen or began[slot] == NEVER else began[slot]
                    if until - began[slot] >= on_us:
                        said, onset = BEGAN, began[slot]
                        active[slot], ending[slot], reported[slot] = 1, NEVER, value
            elif value < clear and value <= limit:
                ending[slot] = since if unseen or ending[slot] == NEVER else ending[slot]
                if until - ending[slot] >= off_us:
                    said, onset = ENDED, began[slot]
                    active[slot], began[slot] = 0, NEVER
            else:
                ending[slot] = NEVER
                if always or value - reported[slot] >= max(limit - clear, abs(limit) / 20):
                    said, onset, reported[slot] = CHANGED, began[slot], value
        out[row * 2 : row * 2 + 2] = [said, onset]
