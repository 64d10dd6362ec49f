"""Plates seen before, by hash: a queue of nodes in the order in which they were handed out, chained by bucket.

A node is one read of a plate, STRIDE values of `nodes`. A read is known under the hash of its day, for two hours after
midnight under that of the day before too, and under that of its skeleton, which look-alikes share; each is a link of
its own. So reads from both sides of midnight find each other, and a doubtful read finds what it may have been. A link
is node * SIDES plus the side; nodes are numbered for ever, and node n stands at n - first. Chains lead from the
youngest node to the oldest and end at the first node that is too old.
"""

from typing import Any, Final

import numpy as np

from contracts.jit import kernel

STRIDE: Final = 18
SIDES: Final = 3
HASH, BEFORE, SKELETON = 0, 1, 2
"""Sides: the hash of the day, of the day before, of the skeleton; two values each from place 0 on, 0 without."""
COUNTED, LINKS, WHERE, EVENT, SAID, NEED, DOUBT, BOOT, SEQ, FACTS = 6, 7, 10, 11, 12, 13, 14, 15, 16, 17
"""Places in a node: tick at which it was handed out (us), links of the sides, where it was seen, event time (us),
whether it is part of a finding, travel time below which it is one (us), whether the read is doubtful, its identity, and
what a finding says of it. What a search reads stands together."""
BUCKETS: Final = 16_384
"""Chains: the reads of half an hour leave a handful in each."""
NOBODY: Final = -1
BEGIN: Final = -2
"""In place of a link: the begin of the chain."""

FIRST, COUNT, KEEP, MOST, HORIZON = 0, 1, 2, 3, 4
"""Places in `bounds`: number of the oldest node kept and of the next one; how long a node is found after it was handed
out (us); how many of the youngest are found; how far apart two reads of one finding happen at most (us)."""


@kernel("i8(i8)", inner=True)
def bucket(key: int) -> int:
    """The chain of a hash."""
    return int(key & 0x7FFFFFFFFFFFFFFF) % BUCKETS


@kernel("i8(i8[::1], i8[::1], i8, i8)", inner=True)
def valid(nodes: Any, bounds: Any, link: int, now_us: int) -> int:
    """The place in `nodes` of what a link leads to, NOBODY at the end of the chain."""
    if link < 0 or link // SIDES < max(bounds[FIRST], bounds[COUNT] - bounds[MOST]):
        return NOBODY
    base: int = (link // SIDES - bounds[FIRST]) * STRIDE
    if now_us - nodes[base + COUNTED] > bounds[KEEP]:
        return NOBODY
    return base


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1], i8, i8, i8)", inner=True)
def following(nodes: Any, head: Any, bounds: Any, rows: Any, at: int, asked: int, link: int) -> int:
    """The next link, from `link` on, to a node with the hash that side `asked` of the row at `at` has; NOBODY without.

    A skeleton finds only where one of the two reads is doubtful: two clear reads of look-alikes are two plates.
    """
    first, second = rows[at + 2 * asked], rows[at + 2 * asked + 1]
    if first == 0 and second == 0:
        return NOBODY
    if link == BEGIN:
        link = head[bucket(first)]
    else:
        link = nodes[(link // SIDES - bounds[FIRST]) * STRIDE + LINKS + link % SIDES]
    base = valid(nodes, bounds, link, rows[at + COUNTED])
    while base != NOBODY:
        side = link % SIDES
        if nodes[base + 2 * side] == first and nodes[base + 2 * side + 1] == second:
            if side < SKELETON and asked < SKELETON:
                return link
            if side == asked and nodes[base + DOUBT] + rows[at + DOUBT] > 0:
                return link
        link = nodes[base + LINKS + side]
        base = valid(nodes, bounds, link, rows[at + COUNTED])
    return NOBODY


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8)", inner=True)
def append(nodes: Any, head: Any, bounds: Any, rows: Any, at: int) -> None:
    """Make the row at `at` the youngest node and chain it."""
    number = bounds[COUNT]
    base = (number - bounds[FIRST]) * STRIDE
    for place in range(STRIDE):
        nodes[base + place] = rows[at + place]
    for side in range(SIDES):
        nodes[base + LINKS + side] = NOBODY
        if nodes[base + 2 * side] != 0 or nodes[base + 2 * side + 1] != 0:
            chain = bucket(nodes[base + 2 * side])
            nodes[base + LINKS + side] = head[chain]
            head[chain] = number * SIDES + side
    bounds[COUNT] += 1


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8, i8, i8[::1])", inner=True)
def nearest(nodes: Any, head: Any, bounds: Any, rows: Any, at: int, asked: int, found: Any) -> None:
    """Bring `found` up to what this side finds at the section: the nearest read at its other end and how far off it is,
    and how far off the nearest at the same end is; after the row at its entry, before it at its exit."""
    leaving = rows[at + WHERE] % 2
    link = following(nodes, head, bounds, rows, at, asked, BEGIN)
    while link != NOBODY:
        base = (link // SIDES - bounds[FIRST]) * STRIDE
        if nodes[base + WHERE] // 2 == rows[at + WHERE] // 2:
            apart_us = nodes[base + EVENT] - rows[at + EVENT]
            if leaving == 1:
                apart_us = -apart_us
            if nodes[base + WHERE] % 2 == leaving:
                if apart_us >= 0:
                    found[2] = min(found[2], apart_us)
            elif 0 < apart_us < found[1] or (apart_us == found[1] and base > found[0] != NOBODY):
                found[0], found[1] = base, apart_us
        link = following(nodes, head, bounds, rows, at, asked, link)


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])", allocates=True)
def pair(nodes: Any, head: Any, bounds: Any, rows: Any, out: Any) -> None:
    """Take reads of sections in, in order; `out` int64 (n,): the node with which each makes a finding, NOBODY without.

    WHERE is section * 2, plus 1 at its exit. An exit belongs to the latest entry before it that no other exit follows;
    a late entry to the first exit after it; of equals to the youngest. Look-alikes count where no read of the very
    plate is found. Each read is part of one finding at most: less time between the two than either needs (NEED).
    """
    found = np.empty(3, np.int64)
    for row in range(out.size):
        at = row * STRIDE
        found[0], found[1], found[2] = NOBODY, bounds[HORIZON] + 1, bounds[HORIZON] + 1
        for asked in range(SIDES):
            if asked < SKELETON or found[0] == NOBODY:
                nearest(nodes, head, bounds, rows, at, asked, found)
        partner = found[0]
        out[row] = NOBODY
        if partner != NOBODY and found[2] > found[1] and nodes[partner + SAID] == 0:
            if found[1] < min(rows[at + NEED], nodes[partner + NEED]):
                nodes[partner + SAID], rows[at + SAID] = 1, 1
                out[row] = partner // STRIDE + bounds[FIRST]
        append(nodes, head, bounds, rows, at)


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], f8[::1], f8[::1], i8[::1])")
def travel(nodes: Any, head: Any, bounds: Any, rows: Any, places_m: Any, figures: Any, out: Any) -> None:
    """Take sightings in, in order; `out` int64 (n,): the node with which each makes a finding, NOBODY without.

    WHERE is the device, `places_m` float64 (devices * 2,) its place on a plane; `figures`: the fastest travel (m/us),
    the least distance (m), what is taken off a distance (m) and off its share (1), and what is added to a time (us).
    Of several impossible travels the nearest in time is said, of equals the youngest. Once one is said of a plate, its
    sightings belong to the same finding until it is unseen for HORIZON.
    """
    for row in range(out.size):
        at = row * STRIDE
        here = 2 * rows[at + WHERE]
        partner, nearest_us, said = NOBODY, bounds[HORIZON] + 1, 0
        for asked in range(SKELETON):
            link = following(nodes, head, bounds, rows, at, asked, BEGIN)
            while link != NOBODY:
                base = (link // SIDES - bounds[FIRST]) * STRIDE
                apart_us, there = abs(nodes[base + EVENT] - rows[at + EVENT]), 2 * nodes[base + WHERE]
                if apart_us <= bounds[HORIZON]:
                    said = max(said, nodes[base + SAID])
                    east, north = places_m[there] - places_m[here], places_m[there + 1] - places_m[here + 1]
                    distance = np.sqrt(east * east + north * north)
                    sure = distance * (1.0 - figures[3]) - figures[2]
                    closer = apart_us < nearest_us or (apart_us == nearest_us and base > partner)
                    if distance >= figures[1] and sure > figures[0] * (apart_us + figures[4]) and closer:
                        partner, nearest_us = base, apart_us
                link = following(nodes, head, bounds, rows, at, asked, link)
        out[row] = NOBODY
        if partner != NOBODY and said == 0:
            nodes[partner + SAID] = 1
            out[row] = partner // STRIDE + bounds[FIRST]
        rows[at + SAID] = 1 if partner != NOBODY else said
        append(nodes, head, bounds, rows, at)
