"""Stations that measure the same, minute by minute: one that leaves the others, and all that leave their past together.

What is compared are deviations from each station's own recent level, so that different levels do not matter. A minute
is judged behind the least progress of the group's members (the last minute that was closed for each), leaving out those
that are IDLE minutes behind the one that is furthest.

    *gap*     a member's deviation less the median of the others', smoothed over ~10 minutes
    scale     how far the gap usually is from 0, as robust as the levels themselves

A member disagrees when its gap lies beyond the group's threshold and OUTSIDE scales for `hold` minutes; it drifts
when the gap took `slow` minutes or more from a quarter of the threshold until it was said. All that leave their past
together: the median of all deviations lies beyond the threshold for EVENT_HOLD minutes. A member that is told already
has no say about another one.
"""

from typing import Any, Final

from contracts.jit import kernel

RING: Final = 8
"""Minutes kept of each member: more than a group waits."""
IDLE: Final = 3
"""Minutes behind the furthest member, after which nobody waits for one."""
GAP_STEP: Final = 0.1
SCALE_STEP: Final = 1.0 / 512
CAP: Final = 2.0
"""In scales, what a gap may count as: so little that a drift of hours does not become usual while it grows."""
OUTSIDE: Final = 4.0
NEAR: Final = 0.25
"""Share of the threshold below which a member agrees."""
CLEAR: Final = 0.5
"""Share of the threshold below which it is over."""
EVENT_HOLD: Final = 3

PROGRESS, NEAR_AT, OVER, STATUS, SEEN = 0, 1, 2, 3, 4
"""By member: last minute closed; last minute near the others; minutes in a row beyond (or, while told, within); 0, or
what is told; minutes judged."""
RING_MINUTE: Final = 5
RING_FLAG: Final = RING_MINUTE + RING
INTS: Final = RING_FLAG + RING
GAP, SCALE, RING_DEVIATION = 0, 1, 2
FLOATS: Final = RING_DEVIATION + RING
JUDGED, EVENT_OVER, EVENT_STATUS = 0, 1, 2
GROUP_INTS: Final = 3

CANDIDATE, DISAGREES, DRIFTS, AGREES, EVENT, EVENT_ENDED = 1, 2, 3, 4, 5, 6
EVENT_STRIDE, FIGURE_STRIDE = 5, 3
TRUSTED: Final = 3
"""With fewer that agree so far nobody is accused, for of two that differ nobody can say who is wrong; those that are
told are held against all the others then, until they agree again."""
SETTLING: Final = 32
"""Judged minutes before a member's gap has a scale to be held against."""


@kernel("f8(f8[::1], i8, i8)", inner=True)
def middle(ordered: Any, count: int, without: int) -> float:
    """The median of the first `count` of these without the one at a place (-1: of all)."""
    left = count if without < 0 else count - 1
    total = 0.0
    for half in range(2):
        at = (left - 1 + half) // 2
        if 0 <= without <= at:
            at += 1
        total += ordered[at]
    return float(total / 2.0)


@kernel("void(i8[::1], f8[::1], UniTuple(i8, 5), UniTuple(f8, 3))", inner=True)
def tell(out: Any, figures: Any, what: Any, values: Any) -> None:
    """Append one event to `out`, whose last place counts them."""
    at = out[out.size - 1]
    out[out.size - 1] = at + 1
    for field in range(EVENT_STRIDE):
        out[at * EVENT_STRIDE + field] = what[field]
    for field in range(FIGURE_STRIDE):
        figures[at * FIGURE_STRIDE + field] = values[field]


@kernel("i8(i8[::1], i8[::1], i8, i8)", inner=True)
def least_progress(ints: Any, member: Any, first: int, last: int) -> int:
    """How far all members have come, those left out who are too far behind the furthest."""
    furthest = 0
    for place in range(first, last):
        furthest = max(furthest, ints[member[place] * INTS + PROGRESS])
    least = furthest
    for place in range(first, last):
        progress = ints[member[place] * INTS + PROGRESS]
        if progress >= furthest - IDLE:
            least = min(least, progress)
    return least


@kernel("i8(i8[::1], f8[::1], i8, i8, f8, f8, UniTuple(i8, 2))", inner=True)
def weigh_gap(ints: Any, floats: Any, who: int, minute: int, gap: float, limit: float, patience: Any) -> int:
    """Take one member's gap in; DISAGREES, DRIFTS or AGREES where that begins, else 0. `patience`: hold and slow."""
    hold, slow = patience
    at, place = who * INTS, who * FLOATS
    smooth = floats[place + GAP] + GAP_STEP * (gap - floats[place + GAP])
    floats[place + GAP] = smooth
    scale, seen = floats[place + SCALE], ints[at + SEEN] + 1
    step = max(SCALE_STEP, 1.0 / seen)
    size = min(abs(gap), CAP * scale) if seen >= SETTLING else abs(gap)
    floats[place + SCALE] = scale + step * (size - scale)
    ints[at + SEEN] = seen
    if abs(smooth) < NEAR * limit or ints[at + NEAR_AT] == 0:
        ints[at + NEAR_AT] = minute
    if seen < SETTLING:
        return 0
    beyond = abs(smooth) >= limit and abs(smooth) >= OUTSIDE * scale
    told = ints[at + STATUS] != 0
    if (not told and beyond) or (told and abs(smooth) < CLEAR * limit):
        ints[at + OVER] += 1
    else:
        ints[at + OVER] = 0
    if ints[at + OVER] < hold:
        return 0
    ints[at + OVER] = 0
    what = AGREES
    if not told:
        what = DRIFTS if minute - ints[at + NEAR_AT] >= slow + hold else DISAGREES
    ints[at + STATUS] = 0 if told else what
    return what


@kernel("i8(i8[::1], i8, f8, f8)", inner=True)
def weigh_event(state: Any, group: int, moved: float, limit: float) -> int:
    """Take the median deviation of a group in; EVENT or EVENT_ENDED where that begins, else 0."""
    at = group * GROUP_INTS
    told = state[at + EVENT_STATUS] == 1
    if (not told and abs(moved) >= limit) or (told and abs(moved) < CLEAR * limit):
        state[at + EVENT_OVER] += 1
    else:
        state[at + EVENT_OVER] = 0
    if state[at + EVENT_OVER] < EVENT_HOLD:
        return 0
    state[at + EVENT_OVER] = 0
    state[at + EVENT_STATUS] = 0 if told else 1
    return EVENT_ENDED if told else EVENT


@kernel("i8(i8[::1], UniTuple(f8[::1], 2), UniTuple(i8[::1], 2), i8, i8, i8)", inner=True)
def in_order(ints: Any, floats: Any, groups: Any, group: int, minute: int, everybody: int) -> int:
    """Put the deviations of a minute in order (of everybody, or of those that are not told); how many there are."""
    numbers, ordered = floats
    first, member = groups
    count, ring = 0, minute % RING
    for place in range(first[group], first[group + 1]):
        who = member[place]
        if ints[who * INTS + RING_MINUTE + ring] != minute or (everybody == 0 and ints[who * INTS + STATUS] != 0):
            continue
        value, at = numbers[who * FLOATS + RING_DEVIATION + ring], count
        while at > 0 and ordered[at - 1] > value:
            ordered[at] = ordered[at - 1]
            at -= 1
        ordered[at] = value
        count += 1
    return count


@kernel(
    "void(UniTuple(i8[::1], 3), UniTuple(i8, 3), UniTuple(f8[::1], 3), UniTuple(i8[::1], 2), UniTuple(i8, 2), f8)",
    inner=True,
)
def judge_minute(state: Any, when: Any, floats: Any, groups: Any, patience: Any, limit: float) -> None:
    """Judge one minute of a group. `state`: ints, group ints, out; `when`: group, minute, tick; `floats`: floats,
    scratch, figures; `groups`: first, member."""
    ints, group_ints, out = state
    numbers, ordered, figures = floats
    first, member = groups
    group, minute, tick_us = when
    ring = minute % RING
    count = in_order(ints, (numbers, ordered), groups, group, minute, 1)
    moved, known = 0.0, 1.0
    enough = count >= group_ints[group_ints.size - 1]
    if enough:
        known = float(count)
        moved = middle(ordered, count, -1)
        what = weigh_event(group_ints, group, moved, limit)
        if what != 0:
            begins = minute - EVENT_HOLD + 1
            tell(out, figures, (tick_us, what, -1 - group, minute, begins), (moved, moved, known))
    trusted = in_order(ints, (numbers, ordered), groups, group, minute, 0)
    few = trusted < TRUSTED
    if few:
        trusted = in_order(ints, (numbers, ordered), groups, group, minute, 1)
    for place in range(first[group], first[group + 1]):
        who = member[place]
        if ints[who * INTS + RING_MINUTE + ring] != minute:
            continue
        value, told = numbers[who * FLOATS + RING_DEVIATION + ring], ints[who * INTS + STATUS] != 0
        if enough and (told or not few):
            without = -1
            for at in range(trusted):
                if ordered[at] == value and (few or not told):
                    without = at
            others = middle(ordered, trusted, without)
            what = weigh_gap(ints, numbers, who, minute, value - others, limit, patience)
            if what != 0:
                since = ints[who * INTS + NEAR_AT] + 1 if what == DRIFTS else minute - patience[0] + 1
                gap = numbers[who * FLOATS + GAP]
                tell(out, figures, (tick_us, what, who, minute, since), (gap, others, known))
        if ints[who * INTS + RING_FLAG + ring] == 1:
            tell(out, figures, (tick_us, CANDIDATE, who, minute, minute), (value - moved, moved, known))


@kernel(
    "void(UniTuple(i8[::1], 5), f8[::1], UniTuple(i8[::1], 3), UniTuple(f8[::1], 3), UniTuple(i8[::1], 2), "
    "UniTuple(i8[::1], 2), f8[::1])"
)
def walk(rows: Any, deviation: Any, state: Any, floats: Any, groups: Any, patience: Any, limits: Any) -> None:
    """Take minutes of members in and tell what begins and ends.

    `rows`: group, member, minute, tick (us), 1 where the member alone thinks it unusual; int64 (n,) by group, tick,
    minute and member. `deviation` float64 (n,), NaN while the member's level is not known. `state`: by member INTS, by
    group GROUP_INTS and at its end the least number of members, and the events told (EVENT_STRIDE each: tick, what, the
    member or -1 - group, minute, since which; their count in the last place). `floats`: by member FLOATS, scratch of
    the largest group's size, and the figures of each event (gap or deviation, that of the others, members). `groups`:
    members of group g are member[first[g]:first[g + 1]]. By group: `patience` (hold and slow, minutes), `limits`.
    """
    group, who, minute, tick_us, flagged = rows
    ints, group_ints, _ = state
    first, member = groups
    for row in range(group.size):
        at = who[row] * INTS
        of = group[row]
        ints[at + PROGRESS] = max(ints[at + PROGRESS], minute[row])
        if minute[row] > group_ints[of * GROUP_INTS + JUDGED]:
            if deviation[row] == deviation[row]:
                ring = minute[row] % RING
                ints[at + RING_MINUTE + ring] = minute[row]
                ints[at + RING_FLAG + ring] = flagged[row]
                floats[0][who[row] * FLOATS + RING_DEVIATION + ring] = deviation[row]
        elif flagged[row] == 1:
            tell(
                state[2],
                floats[2],
                (tick_us[row], CANDIDATE, who[row], minute[row], minute[row]),
                (deviation[row], 0.0, 1.0),
            )
        last = row + 1 == group.size or group[row + 1] != of
        if last or tick_us[row + 1] != tick_us[row] or minute[row + 1] != minute[row]:
            until = least_progress(ints, member, first[of], first[of + 1])
            begin = max(group_ints[of * GROUP_INTS + JUDGED] + 1, until - RING + 1)
            for judged in range(begin, until + 1):
                judge_minute(
                    state, (of, judged, tick_us[row]), floats, groups, (patience[0][of], patience[1][of]), limits[of]
                )
            group_ints[of * GROUP_INTS + JUDGED] = max(group_ints[of * GROUP_INTS + JUDGED], until)
