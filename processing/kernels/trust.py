"""What each camera last said about itself: its newest statuses in order of event time and identity.

`ints` int64 (n * KEPT * INTS,) and `floats` float64 (n * KEPT * FLOATS,): KEPT statuses for each of n devices, those
before the newest one in the places before it, round and round; `newest` int64 (n,) is its place. Free places have NEVER
as their event time. So a status that comes in order touches its own place alone.
"""

from typing import Any, Final

from contracts.jit import kernel

KEPT: Final = 32
"""Statuses of a device: at one every five minutes, what it said over more than two and a half hours."""
INTS: Final = 7
"""Event time (us), boot, seq, part, event, clock source, calibrated until (us, -1 unknown)."""
FLOATS: Final = 2
"""Clock offset (ms) and lens score, NaN unknown."""
NEVER: Final = -(2**62)
ASKED: Final = 4
"""A question: how many of the statuses are known, the device's place (-1 for none), the moment, and how old a status
may be that speaks for it (us since 1970)."""
TOLD: Final = 5
"""Its answer: event time of the newest status that speaks (NEVER for none), clock source, calibrated until (-1 where
nothing is known), all int64; clock offset and lens score, float64 (NaN where nothing is known)."""
BIRTH, DEATH = 1, 2
"""`StatusEvent`: before a birth nothing counts, and a last will says nothing."""


@kernel("void(i8[::1], i8[::1], f8[::1], UniTuple(i8[::1], 2), f8[::1], i8[::1], i8[::1], f8[::1])")
def hear(slots: Any, said: Any, measured: Any, held: Any, floats: Any, asked: Any, whole: Any, fractions: Any) -> None:
    """Take statuses in, in any order, and answer questions on the way, by how many statuses they know.

    Status r is of device `slots[r]`, with INTS of `said` and FLOATS of `measured`; `held` is `newest` and `ints`.
    Question q has ASKED of `asked` and its answer goes to TOLD places of `whole` and `fractions`, two views of the same
    memory. Of the statuses up to the moment each figure comes from the newest that has it.
    """
    newest, ints = held
    done = 0
    for question in range(asked.size // ASKED):
        while done < asked[question * ASKED]:
            _remember(slots[done], done, said, measured, newest, ints, floats)
            done += 1
        _answer(question, newest, ints, floats, asked, whole, fractions)
    while done < slots.size:
        _remember(slots[done], done, said, measured, newest, ints, floats)
        done += 1


@kernel("void(i8, i8, i8[::1], f8[::1], i8[::1], i8[::1], f8[::1])", inner=True)
def _remember(slot: Any, row: Any, said: Any, measured: Any, newest: Any, ints: Any, floats: Any) -> None:
    """Put a status in its place among those of its device; the oldest makes room."""
    first, new = slot * KEPT, row * INTS
    later = 0
    while later < KEPT:
        at = (first + (newest[slot] - later) % KEPT) * INTS
        behind = False
        for key in range(4):
            if ints[at + key] != said[new + key]:
                behind = ints[at + key] > said[new + key]
                break
        if not behind:
            break
        later += 1
    if later == KEPT:
        return
    newest[slot] = (newest[slot] + 1) % KEPT
    for back in range(later):
        to, at = first + (newest[slot] - back) % KEPT, first + (newest[slot] - back - 1) % KEPT
        for name in range(INTS):
            ints[to * INTS + name] = ints[at * INTS + name]
        for name in range(FLOATS):
            floats[to * FLOATS + name] = floats[at * FLOATS + name]
    place = first + (newest[slot] - later) % KEPT
    for name in range(INTS):
        ints[place * INTS + name] = said[new + name]
    for name in range(FLOATS):
        floats[place * FLOATS + name] = measured[row * FLOATS + name]


@kernel("void(i8, i8[::1], i8[::1], f8[::1], i8[::1], i8[::1], f8[::1])", inner=True)
def _answer(question: Any, newest: Any, ints: Any, floats: Any, asked: Any, whole: Any, fractions: Any) -> None:
    """What the device of a question had said of itself, the newest first."""
    slot, until_us, since_us = asked[question * ASKED + 1], asked[question * ASKED + 2], asked[question * ASKED + 3]
    out = question * TOLD
    whole[out], whole[out + 1], whole[out + 2] = NEVER, 0, -1
    offset_ms = lens = float("nan")
    if slot >= 0:
        for back in range(KEPT):
            place = slot * KEPT + (newest[slot] - back) % KEPT
            held, of = place * INTS, place * FLOATS
            if ints[held] > until_us or ints[held + 4] == DEATH:
                continue
            if ints[held] == NEVER or ints[held] < since_us:
                break
            if whole[out] == NEVER:
                whole[out] = ints[held]
            if offset_ms != offset_ms and floats[of] == floats[of]:
                offset_ms, whole[out + 1] = floats[of], ints[held + 5]
            if lens != lens:
                lens = floats[of + 1]
            if whole[out + 2] < 0 and ints[held + 6] > 0:
                whole[out + 2] = ints[held + 6]
            if ints[held + 4] == BIRTH:
                break
    fractions[out + 3], fractions[out + 4] = offset_ms, lens


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], b1[::1])")
def behind(
    settled: Any, witness: Any, seen_us: Any, device: Any, event_us: Any, tick_us: Any, newest_us: Any, out: Any
) -> None:
    """Which statuses are no newer than a case of their device that was settled before they count.

    Cases in order of `settled` (us), each with as many of `witness` (-1 for none) and `seen_us`; statuses in order of
    `tick_us`. `newest_us`, by device, is scratch that begins below every moment.
    """
    each, done = witness.size // max(settled.size, 1), 0
    for row in range(device.size):
        while done < settled.size and settled[done] < tick_us[row]:
            for at in range(done * each, (done + 1) * each):
                if witness[at] >= 0 and seen_us[at] > newest_us[witness[at]]:
                    newest_us[witness[at]] = seen_us[at]
            done += 1
        out[row] = event_us[row] <= newest_us[device[row]]
