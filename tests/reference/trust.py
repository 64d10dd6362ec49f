"""Naive twin of processing/kernels/trust.py."""

from math import isnan, nan
from typing import Any

import numpy as np

KEPT, INTS, FLOATS, NEVER, ASKED, TOLD, WITNESSES = 32, 7, 2, -(2**62), 4, 5, 2


def hear(slots: Any, said: Any, measured: Any, held: Any, floats: Any, asked: Any, whole: Any, fractions: Any) -> None:
    """The newest stands in the last place always."""
    newest, ints = held
    newest[:] = KEPT - 1
    told = list(zip(said.reshape(-1, INTS).tolist(), measured.reshape(-1, FLOATS).tolist(), strict=True))
    first_ints, first_floats = ints.copy(), floats.copy()
    for question, (known, slot, until_us, since_us) in enumerate(asked.reshape(-1, ASKED).tolist()):
        ints[:], floats[:] = first_ints, first_floats
        remember(slots[:known].tolist(), told[:known], ints, floats)
        entries = [] if slot < 0 else _entries(ints, floats, slot)
        answer = _answer([entry for entry in entries if entry[0][0] <= until_us and entry[0][4] != 2], since_us)
        whole.reshape(-1, TOLD)[question, :3] = answer[:3]
        fractions.reshape(-1, TOLD)[question, 3:] = answer[3:]
    ints[:], floats[:] = first_ints, first_floats
    remember(slots.tolist(), told, ints, floats)


def behind(
    settled: Any, witness: Any, seen_us: Any, device: Any, event_us: Any, tick_us: Any, newest_us: Any, out: Any
) -> None:
    for row in range(device.size):
        cases = np.flatnonzero(settled < tick_us[row])
        theirs = witness.reshape(-1, WITNESSES)[cases] == device[row]
        moments = seen_us.reshape(-1, WITNESSES)[cases][theirs]
        out[row] = (moments >= event_us[row]).any()


def remember(slots: list[int], told: list[Any], ints: Any, floats: Any) -> None:
    for slot, status in zip(slots, told, strict=True):
        entries = sorted([*_entries(ints, floats, slot), status], key=lambda entry: entry[0][:4])
        for place, (whole, fractions) in enumerate(entries[1:]):
            ints.reshape(-1, KEPT, INTS)[slot, place] = whole
            floats.reshape(-1, KEPT, FLOATS)[slot, place] = fractions


def _entries(ints: Any, floats: Any, slot: int) -> list[Any]:
    held, values = ints.reshape(-1, KEPT, INTS)[slot], floats.reshape(-1, KEPT, FLOATS)[slot]
    return list(zip(held.tolist(), values.tolist(), strict=True))


def _answer(entries: list[Any], since_us: int) -> tuple[int, int, int, float, float]:
    """Each figure of the newest that has it, of those since the device was born and no older than may be."""
    speak: list[Any] = []
    for whole, fractions in reversed(entries):
        if whole[0] == NEVER or whole[0] < since_us:
            break
        speak.append((*whole, *fractions))
        if whole[4] == 1:
            break
    offsets = [(status[7], status[5]) for status in speak if not isnan(status[7])]
    lenses = [status[8] for status in speak if not isnan(status[8])]
    calibrated = [status[6] for status in speak if status[6] > 0]
    offset_ms, source = (*offsets, (nan, 0))[0]
    said_us = speak[0][0] if speak else NEVER
    return said_us, source, (*calibrated, -1)[0], offset_ms, (*lenses, nan)[0]
