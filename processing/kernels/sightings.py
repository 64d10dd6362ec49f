"""Plates seen before, by hash: a queue of nodes in the order in which they were handed out, chained by bucket.

A node is one read of a plate, STRIDE values of `nodes`. A read is known under the hash of its day and, for two hours
after midnight, under that of the day before too; each is a link of its own, so that reads from both sides of midnight
find each other. A link is node * 2, plus 1 for the hash of the day before; nodes are numbered for ever, and node n
stands at n - first. Chains lead from the youngest node to the oldest and end at the first node that is too old.
"""

from typing import Any, Final

import numpy as np

from contracts.jit import kernel

STRIDE: Final = 14
KEY, BEFORE, LINKS, WHERE, EVENT, COUNTED, SAID, NEED, BOOT, SEQ, FACTS = 0, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13
"""Places in a node: hash of the day and of the day before (two values each, 0 without), links of both, where it was
seen, event time (us), tick at which it was handed out (us), whether it is part of a finding, travel time below which it
is one (us), and what the finding says of it."""
BUCKETS: Final = 4_096
"""Chains: some tens of thousands of reads leave a handful in each."""
NOBODY: Final = -1

FIRST, COUNT, KEEP, MOST, HORIZON = 0, 1, 2, 3, 4
"""Places in `bounds`: number of the oldest node kept and of the next one; how long a node is found after it was handed
out (us); how many of the youngest are found; how far apart two reads of one finding happen at most (us)."""


@kernel("i8(i8)", inner=True)
def bucket(key: int) -> int:
    """The chain of a hash."""
    return int(key & 0x7FFFFFFFFFFFFFFF) % BUCKETS


@kernel("i8(i8[::1], i8[::1], i8, i8, i8)", inner=True)
def valid(nodes: Any, bounds: Any, link: int, now_us: int, oldest: int) -> int:
    """The place in `nodes` of what a link leads to, NOBODY at the end of the chain."""
    if link < 0 or link // 2 < oldest:
        return NOBODY
    base: int = (link // 2 - bounds[FIRST]) * STRIDE
    if now_us - nodes[base + COUNTED] > bounds[KEEP]:
        return NOBODY
    return base


@kernel("i8(i8[::1], i8, i8[::1], i8, i8)", inner=True)
def same(nodes: Any, base: int, hashes: Any, at: int, side: int) -> int:
    """Whether the hash of this side of a node is the one at `at`."""
    return int(nodes[base + 2 * side] == hashes[at] and nodes[base + 2 * side + 1] == hashes[at + 1])


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8)", inner=True)
def append(nodes: Any, head: Any, bounds: Any, values: Any, row: int) -> None:
    """Make the row the youngest node and chain it."""
    number = bounds[COUNT]
    base = (number - bounds[FIRST]) * STRIDE
    for place in range(STRIDE):
        nodes[base + place] = values[row * STRIDE + place]
    for side in range(2):
        nodes[base + LINKS + side] = NOBODY
        if nodes[base + 2 * side] != 0 or nodes[base + 2 * side + 1] != 0:
            chain = bucket(nodes[base + 2 * side])
            nodes[base + LINKS + side] = head[chain]
            head[chain] = number * 2 + side
    bounds[COUNT] += 1


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def pair(nodes: Any, head: Any, bounds: Any, rows: Any, out: Any) -> None:
    """Take reads of sections in, in order; `out` int64 (n,): the node with which each makes a finding, NOBODY without.

    WHERE is section * 2, plus 1 at its exit. An exit belongs to the latest entry before it that no other exit follows;
    a late entry to the first exit after it. Each read is part of one finding at most: less time between the two than
    either needs (NEED).
    """
    for row in range(out.size):
        at = row * STRIDE
        leaving, section, event_us = rows[at + WHERE] % 2, rows[at + WHERE] // 2, rows[at + EVENT]
        oldest = max(bounds[FIRST], bounds[COUNT] - bounds[MOST])
        partner, nearest_us, other_us = NOBODY, bounds[HORIZON] + 1, bounds[HORIZON] + 1
        for asked in range(2):
            if rows[at + 2 * asked] == 0 and rows[at + 2 * asked + 1] == 0:
                continue
            link = head[bucket(rows[at + 2 * asked])]
            base = valid(nodes, bounds, link, rows[at + COUNTED], oldest)
            while base != NOBODY:
                side = link % 2
                if nodes[base + WHERE] // 2 == section and same(nodes, base, rows, at + 2 * asked, side):
                    apart_us = nodes[base + EVENT] - event_us
                    if leaving == 1:
                        apart_us = -apart_us
                    if nodes[base + WHERE] % 2 == leaving:
                        if apart_us >= 0:
                            other_us = min(other_us, apart_us)
                    elif 0 < apart_us < nearest_us:
                        partner, nearest_us = base, apart_us
                link = nodes[base + LINKS + side]
                base = valid(nodes, bounds, link, rows[at + COUNTED], oldest)
        out[row] = NOBODY
        fast = partner != NOBODY and nearest_us < min(rows[at + NEED], nodes[partner + NEED])
        if fast and other_us > nearest_us and nodes[partner + SAID] == 0:
            nodes[partner + SAID], rows[at + SAID] = 1, 1
            out[row] = partner // STRIDE + bounds[FIRST]
        append(nodes, head, bounds, rows, row)


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1], f8[::1], f8[::1], i8[::1])")
def travel(nodes: Any, head: Any, bounds: Any, rows: Any, places_m: Any, figures: Any, out: Any) -> None:
    """Take sightings in, in order; `out` int64 (n,): the node with which each makes a finding, NOBODY without.

    WHERE is the device, `places_m` float64 (devices * 2,) its place on a plane; `figures`: the fastest travel (m/us),
    the least distance (m), what is taken off a distance (m) and off its share (1), and what is added to a time (us).
    Of several impossible travels the nearest in time is said. Once one is said of a plate, its sightings belong to the
    same finding until it is unseen for HORIZON.
    """
    for row in range(out.size):
        at = row * STRIDE
        device, event_us = rows[at + WHERE], rows[at + EVENT]
        oldest = max(bounds[FIRST], bounds[COUNT] - bounds[MOST])
        partner, nearest_us, said = NOBODY, bounds[HORIZON] + 1, 0
        for asked in range(2):
            if rows[at + 2 * asked] == 0 and rows[at + 2 * asked + 1] == 0:
                continue
            link = head[bucket(rows[at + 2 * asked])]
            base = valid(nodes, bounds, link, rows[at + COUNTED], oldest)
            while base != NOBODY:
                side, apart_us = link % 2, abs(nodes[base + EVENT] - event_us)
                if apart_us <= bounds[HORIZON] and same(nodes, base, rows, at + 2 * asked, side):
                    said = max(said, nodes[base + SAID])
                    other = nodes[base + WHERE]
                    east = places_m[2 * other] - places_m[2 * device]
                    north = places_m[2 * other + 1] - places_m[2 * device + 1]
                    distance = np.sqrt(east * east + north * north)
                    sure = distance * (1.0 - figures[3]) - figures[2]
                    if distance >= figures[1] and sure > figures[0] * (apart_us + figures[4]) and apart_us < nearest_us:
                        partner, nearest_us = base, apart_us
                link = nodes[base + LINKS + side]
                base = valid(nodes, bounds, link, rows[at + COUNTED], oldest)
        out[row] = NOBODY
        if partner != NOBODY and said == 0:
            nodes[partner + SAID] = 1
            out[row] = partner // STRIDE + bounds[FIRST]
        rows[at + SAID] = 1 if partner != NOBODY else said
        append(nodes, head, bounds, rows, row)
