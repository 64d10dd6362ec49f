"""What a signal showed at the moments when vehicles passed its stop line.

A slot is one signal group as one device reports it. Each slot keeps its last CHANGES phase changes in order of time;
a passage is judged against the one in force when it passed. What a lost change would make wrong waits: red is sure for
the first seconds after it began, later only when the change after it is known to be to green.
"""

from typing import Any, Final

import numpy as np

from contracts.jit import kernel

CHANGES: Final = 32
"""Phase changes kept for a slot: ten cycles, a quarter of an hour of a busy junction."""
RED, AMBER, GREEN = 1, 2, 3
"""Of `contracts.records.Phase`, whose 0 is a phase that the device did not know."""
NOTHING, SUSPECTED, NO_PHASE, WAITS = 0, 1, 2, 3
"""Verdicts: no case; a case; nobody can say, for want of phases; the next change will tell."""
GRACE, SURE, MOST, AMBER_MOST = 0, 1, 2, 3
"""Places in `limits`, us: red that is no offence yet; how long red lasts at least; how long any phase lasts at most;
and how long amber does."""
PASSAGE: Final = -1
"""The phase of a row that is a passage."""
NO_ROW: Final = -1


@kernel("void(UniTuple(i8[::1], 3), i8, i8, i8)")
def change(history: Any, slot: int, event_us: int, phase: int) -> None:
    """Put a phase change among those of its slot; of one that is there already, and of too old ones, nothing is kept.

    `history`: times and phases int64 (slots * CHANGES,) and how many there are int64 (slots,).
    """
    changed_us, phases, count = history
    base, at = slot * CHANGES, count[slot]
    while at > 0 and changed_us[base + at - 1] > event_us:
        at -= 1
    if at > 0 and changed_us[base + at - 1] == event_us and phases[base + at - 1] == phase:
        return
    if count[slot] == CHANGES:
        if at == 0:
            return
        at -= 1
        for place in range(base, base + at):
            changed_us[place], phases[place] = changed_us[place + 1], phases[place + 1]
    else:
        for place in range(base + count[slot], base + at, -1):
            changed_us[place], phases[place] = changed_us[place - 1], phases[place - 1]
        count[slot] += 1
    changed_us[base + at], phases[base + at] = event_us, phase


@kernel("i8(UniTuple(i8[::1], 3), i8, i8, i8, i8, i8[::1], i8[::1])")
def judge(history: Any, slot: int, event_us: int, unsure_us: int, own: int, limits: Any, found: Any) -> int:
    """The verdict on a passage, by what is known now; `found`: when the red that it passed began, and ended (-1).

    `unsure_us`: by how much the clocks of camera and signal may disagree; it is held in favour of the driver. `own`: 1
    where the camera reports the signal itself: what it said of the signal came no later than the passage. Amber that
    lasts too long is a red that has not come: it is waited for as long as any phase may last.
    """
    changed_us, phases, count = history
    base, at = slot * CHANGES, count[slot] - 1
    while at >= 0 and changed_us[base + at] > event_us + unsure_us:
        at -= 1
    if at < 0 or phases[base + at] == 0:
        return NO_PHASE
    began_us, last = changed_us[base + at], at + 1 == count[slot]
    stale = event_us - began_us > limits[MOST]
    if phases[base + at] == AMBER and event_us - began_us > limits[AMBER_MOST]:
        given_up = changed_us[base + count[slot] - 1] - event_us > limits[MOST]
        return NO_PHASE if stale or given_up else WAITS
    if phases[base + at] != RED:
        if own == 1 or not last:
            return NOTHING
        return NO_PHASE if stale else WAITS
    if event_us - unsure_us - began_us <= limits[GRACE]:
        return NOTHING
    if stale:
        return NO_PHASE
    found[0], found[1] = began_us, -1
    if at > 0 and phases[base + at - 1] != RED and event_us + unsure_us - began_us <= limits[SURE]:
        return SUSPECTED
    if last:
        return WAITS
    found[1] = changed_us[base + at + 1]
    if found[1] - began_us > limits[MOST]:
        return NO_PHASE
    return SUSPECTED if phases[base + at + 1] == GREEN else NO_PHASE


@kernel("void(UniTuple(i8[::1], 6), i8, UniTuple(i8[::1], 3), i8[::1], i8[::1], i8[::1], i8[::1])", allocates=True)
def watch(rows: Any, waiting: int, history: Any, limits: Any, verdict: Any, found: Any, said_us: Any) -> None:
    """Take phase changes and passages in their order, and fill in the verdict on each passage.

    `rows`: slot, event time, phase (PASSAGE: a passage), tick at which it was handed out, clocks' disagreement, whether
    the camera reports its signal; int64 (n,). The first `waiting` are passages that waited before. `found` int64
    (2 * n,): begin and end of red; `said_us` int64 (n,): the tick of the verdict.
    """
    slot, event_us, phase, out_us, unsure_us, own = rows
    head = np.full(history[2].size, NO_ROW, np.int64)
    following = np.full(slot.size, NO_ROW, np.int64)
    for row in range(slot.size):
        if phase[row] == PASSAGE:
            verdict[row] = WAITS
            if row >= waiting:
                said_us[row] = out_us[row]
                verdict[row] = judge(
                    history, slot[row], event_us[row], unsure_us[row], own[row], limits, found[2 * row : 2 * row + 2]
                )
            if verdict[row] == WAITS:
                following[row], head[slot[row]] = head[slot[row]], row
            continue
        change(history, slot[row], event_us[row], phase[row])
        held, head[slot[row]] = head[slot[row]], NO_ROW
        while held != NO_ROW:
            after = following[held]
            verdict[held] = judge(
                history, slot[held], event_us[held], unsure_us[held], own[held], limits, found[2 * held : 2 * held + 2]
            )
            said_us[held] = out_us[row]
            if verdict[held] == WAITS:
                following[held], head[slot[held]] = head[slot[held]], held
            held = after
