"""What the kernels of processing/kernels/red_light.py should do, with lists and sorting."""

from typing import Any

CHANGES = 32
RED, GREEN = 1, 3
NOTHING, SUSPECTED, NO_PHASE, WAITS = 0, 1, 2, 3


def _read(history: Any, slot: int) -> list[tuple[int, int]]:
    times, phases, count = history
    places = range(slot * CHANGES, slot * CHANGES + int(count[slot]))
    return [(int(times[place]), int(phases[place])) for place in places]


def change(history: Any, slot: int, event_us: int, phase: int) -> None:
    known = _read(history, slot)
    earlier = [entry for entry in known if entry[0] <= event_us]
    if earlier and earlier[-1] == (event_us, phase):
        return
    kept = [*earlier, (event_us, phase), *known[len(earlier) :]][-CHANGES:]
    for at, (time, value) in enumerate(kept):
        history[0][slot * CHANGES + at], history[1][slot * CHANGES + at] = time, value
    history[2][slot] = len(kept)


def judge(history: Any, slot: int, event_us: int, unsure_us: int, own: int, limits: Any, found: Any) -> int:
    grace, sure, most, amber_most = (int(value) for value in limits)
    known = _read(history, slot)
    before = [entry for entry in known if entry[0] <= event_us + unsure_us]
    after = known[len(before) :]
    if not before or before[-1][1] == 0:
        return NO_PHASE
    began, phase = before[-1]
    stale = event_us - began > most
    if phase == 2 and event_us - began > amber_most:
        return NO_PHASE if stale or known[-1][0] - event_us > most else WAITS
    if phase != RED:
        if own or after:
            return NOTHING
        return NO_PHASE if stale else WAITS
    if event_us - unsure_us - began <= grace:
        return NOTHING
    if stale:
        return NO_PHASE
    found[0], found[1] = began, -1
    if len(before) > 1 and before[-2][1] != RED and event_us + unsure_us - began <= sure:
        return SUSPECTED
    if not after:
        return WAITS
    found[1] = after[0][0]
    return SUSPECTED if after[0][1] == GREEN and found[1] - began <= most else NO_PHASE


def watch(rows: Any, waiting: int, history: Any, limits: Any, verdict: Any, found: Any, said_us: Any) -> None:
    slot, event, phase, out, unsure, own = (column.tolist() for column in rows)

    def again(row: int, tick: int) -> None:
        outcome = [int(found[2 * row]), int(found[2 * row + 1])]
        verdict[row] = judge(history, slot[row], event[row], unsure[row], own[row], limits, outcome)
        found[2 * row : 2 * row + 2], said_us[row] = outcome, tick

    held: list[int] = []
    for row in range(len(slot)):
        if phase[row] == -1:
            verdict[row] = WAITS
            if row >= waiting:
                again(row, out[row])
            if verdict[row] == WAITS:
                held.append(row)
        else:
            change(history, slot[row], event[row], phase[row])
            for other in [other for other in held if slot[other] == slot[row]]:
                again(other, out[row])
            held = [other for other in held if verdict[other] == WAITS]
