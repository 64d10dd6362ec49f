"""Plates seen before, by hash: nodes in the order in which they were handed out, chained by bucket.

A node is one read of a plate under one key: half of a hash, so that an accidental clash comes once in 250,000 years of
a million reads a day. For two hours after midnight a read is known under the hash of the day before too, as a twin of
the node next to it: so reads from both sides of midnight find each other. Where skeletons count, which look-alikes
share, a node has a second link, and a doubtful read finds what it may have been. A link is node * 2 plus the side;
chains lead from the youngest node to the oldest and end at the first one that is too old. What is not needed of a
passage is not kept, and what is kept is packed.
"""

from typing import Any, Final

import numpy as np

from contracts.clock import SECOND_US
from contracts.jit import kernel

KEY, EVENT, BOOT, SEQ, FACTS, CHAIN = 0, 1, 2, 3, 4, 5
NEED, SKELETON, WHERE = 6, 7, 8
"""Places in a node: its key, event time (us), identity, FACTS and CHAIN; and of reads of sections the travel time below
which it makes a finding (us), the key of its skeleton, and where it was seen: section * 2, plus 1 at its exit."""
PLAIN: Final = 6
WIDE: Final = 9
"""Values in a node: without and with the last three."""
BEFORE: Final = 9
VALUES: Final = 10
"""Values of a read that is handed out: those of a wide node, and the key of the day before. The upper half of CHAIN is
the tick at which it was handed out (s), the lower one the link of its key, plus 1; 0 ends a chain."""
SAID, TWIN_AFTER, TWIN_BEFORE = 1, 2, 4
"""Bits of FACTS: it is part of a finding; the node after it, or before it, is the same read."""
STATE, COLOUR, VEHICLE, DIRECTION, LANE, PART, TAG = 3, 5, 9, 13, 15, 21, 33
"""Where what a finding says of a read begins in FACTS, and TAG: 31 bits of its own for each rule, the device of a plain
node, the link of a wide one's skeleton plus 1."""
TAG_MASK: Final = 0x7FFFFFFF
HALF: Final = 0xFFFFFFFF
DOUBTFUL: Final = 2
"""The plate state of a doubtful read."""
NOBODY: Final = -1

COUNT, KEEP, MOST, HORIZON, TRIP = 0, 1, 2, 3, 4
"""Places in `bounds`: how many nodes there are; how long a node is found after it was handed out (us); how many of the
youngest are found; how far apart two reads of one finding, and of one trip through a section, happen at most (us)."""


@kernel("i8(i2[::1], i8)", inner=True)
def whole(halves: Any, at: int) -> int:
    """The int64 whose first two bytes are at this place."""
    value = np.int64(0)
    for part in range(4):
        value |= (np.int64(halves[at + part]) & 0xFFFF) << (16 * part)
    return int(value)


@kernel("i8(i2[::1], i8)", inner=True)
def key(halves: Any, at: int) -> int:
    """64 bits of a hash of 128, 0 of none."""
    return int(whole(halves, at) ^ (np.int64(whole(halves, at + 4)) << 7))


@kernel("void(i2[::1], i2[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def read(waited: Any, fresh: Any, layout: Any, places: Any, tags: Any, values: Any) -> None:
    """Fill in what nodes keep of passages, VALUES each, but for their moments and what one rule alone knows.

    `waited` and `fresh` are passages as int16; `places` those of the reads in both, one after the other; `layout`: how
    many int16 a passage has, and where in it its hashes, identity and facts begin (processing/order/sightings.py).
    """
    width = layout[0]
    for row in range(places.size):
        at, source = places[row] * width, waited
        if at >= waited.size:
            at, source = at - waited.size, fresh
        base = row * VALUES
        values[base + KEY] = key(source, at + layout[1])
        values[base + BEFORE] = key(source, at + layout[2])
        values[base + SKELETON] = key(source, at + layout[3])
        values[base + BOOT], values[base + SEQ] = whole(source, at + layout[4]), whole(source, at + layout[5])
        part = (np.int64(source[at + layout[6]]) & 0xFFF) << PART
        lane, direction = np.int64(source[at + layout[7]]) & 0x3F, np.int64(source[at + layout[8]]) & 0x3
        vehicle, colour = np.int64(source[at + layout[9]]) & 0xF, np.int64(source[at + layout[10]]) & 0xF
        facts = lane << LANE | direction << DIRECTION | vehicle << VEHICLE | colour << COLOUR
        values[base + FACTS] = tags[row] << TAG | part | facts | (np.int64(source[at + layout[11]]) & 0x3) << STATE


@kernel("i8(i4[::1], i8)", inner=True)
def youngest(head: Any, asked: int) -> int:
    """The first link of a key's chain, NOBODY without a key."""
    return int(head[asked & (head.size - 1)]) if asked != 0 else NOBODY


@kernel("i8(i8[::1], i8[::1], i8, i8, i8)", inner=True)
def valid(nodes: Any, bounds: Any, width: int, link: int, now_s: int) -> int:
    """The place in `nodes` of what a link leads to, NOBODY at the end of the chain."""
    base: int = (link >> 1) * width
    if link < 0 or link >> 1 < bounds[COUNT] - bounds[MOST]:
        return NOBODY
    if (now_s - (nodes[base + CHAIN] >> 32)) * SECOND_US > bounds[KEEP]:
        return NOBODY
    return base


@kernel("i8(i8[::1], i8, i8)", inner=True)
def behind(nodes: Any, base: int, link: int) -> int:
    """The next link of the chain that a link to this node belongs to."""
    if link & 1 == 1:
        return int((nodes[base + FACTS] >> TAG) & TAG_MASK) - 1
    return int(nodes[base + CHAIN] & HALF) - 1


@kernel("i8(i8[::1], i8[::1], i8, i8, i8, i8, i8)", inner=True)
def following(nodes: Any, bounds: Any, width: int, side: int, asked: int, link: int, now_s: int) -> int:
    """The first link, from `link` on, to a node that has this key on this side; NOBODY without."""
    base = valid(nodes, bounds, width, link, now_s)
    while base != NOBODY:
        if link & 1 == side and nodes[base + (SKELETON if side == 1 else KEY)] == asked:
            return link
        link = behind(nodes, base, link)
        base = valid(nodes, bounds, width, link, now_s)
    return NOBODY


@kernel("void(i8[::1], i8, i8)", inner=True)
def mark(nodes: Any, base: int, width: int) -> None:
    """Make a read part of a finding, under each of its keys."""
    nodes[base + FACTS] |= SAID
    if nodes[base + FACTS] & TWIN_AFTER:
        nodes[base + width + FACTS] |= SAID
    if nodes[base + FACTS] & TWIN_BEFORE and base >= width:
        nodes[base - width + FACTS] |= SAID


@kernel("void(i8[::1], i4[::1], i8, i8)", inner=True)
def join(nodes: Any, head: Any, width: int, node: int) -> None:
    """Make a node the youngest of its chains. Of twins the first alone is known by its skeleton."""
    base = node * width
    nodes[base + CHAIN] &= ~HALF
    if nodes[base + KEY] != 0:
        nodes[base + CHAIN] |= youngest(head, nodes[base + KEY]) + 1
        head[nodes[base + KEY] & (head.size - 1)] = node * 2
    if width == WIDE:
        nodes[base + FACTS] &= (1 << TAG) - 1
        if nodes[base + SKELETON] != 0 and nodes[base + FACTS] & TWIN_BEFORE == 0:
            nodes[base + FACTS] |= (youngest(head, nodes[base + SKELETON]) + 1) << TAG
            head[nodes[base + SKELETON] & (head.size - 1)] = node * 2 + 1


@kernel("void(i8[::1], i4[::1], i8)")
def chain(nodes: Any, head: Any, width: int) -> None:
    """Make the chains of all nodes; `head` int32, as many as there are chains, is NOBODY."""
    for node in range(nodes.size // width):
        join(nodes, head, width, node)


@kernel("void(i8[::1], i4[::1], i8[::1], i8, i8[::1], i8)", inner=True)
def append(nodes: Any, head: Any, bounds: Any, width: int, values: Any, at: int) -> None:
    """Make the read at `at` the youngest node, and under the key of the day before the one after it."""
    twin = values[at + BEFORE] != 0
    for side in range(1 + twin):
        base = bounds[COUNT] * width
        for place in range(width):
            nodes[base + place] = values[at + place]
        if side == 1:
            nodes[base + KEY] = values[at + BEFORE]
        if twin:
            nodes[base + FACTS] |= TWIN_BEFORE if side == 1 else TWIN_AFTER
        join(nodes, head, width, bounds[COUNT])
        bounds[COUNT] += 1


@kernel("void(i8[::1], i4[::1], i8[::1], i8[::1], i8, i8, i8, i8[::1])", inner=True)
def nearest(nodes: Any, head: Any, bounds: Any, values: Any, at: int, side: int, asked: int, found: Any) -> None:
    """Bring `found` up to what this key finds at the section: the nearest read at its other end and how far off it is,
    and how far off the nearest at the same end is; after the read at its entry, before it at its exit.

    A skeleton finds only where one of the two reads is doubtful: two clear reads of look-alikes are two plates.
    """
    where, event_us, now_s = values[at + WHERE], values[at + EVENT], values[at + CHAIN] >> 32
    leaving = where & 1
    link = following(nodes, bounds, WIDE, side, asked, youngest(head, asked), now_s)
    while link != NOBODY:
        base = (link >> 1) * WIDE
        doubtful = (nodes[base + FACTS] >> STATE) & 3 == DOUBTFUL or (values[at + FACTS] >> STATE) & 3 == DOUBTFUL
        if nodes[base + WHERE] >> 1 == where >> 1 and (side == 0 or doubtful):
            apart_us = nodes[base + EVENT] - event_us
            if leaving == 1:
                apart_us = -apart_us
            if nodes[base + WHERE] & 1 == leaving:
                if apart_us >= 0:
                    found[2] = min(found[2], apart_us)
            elif 0 < apart_us < found[1] or (apart_us == found[1] and base > found[0] != NOBODY):
                found[0], found[1] = base, apart_us
        link = following(nodes, bounds, WIDE, side, asked, behind(nodes, base, link), now_s)


@kernel("void(i8[::1], i4[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def pair(nodes: Any, head: Any, bounds: Any, values: Any, found: Any, out: Any, trips: Any) -> None:
    """Take reads of sections in, in order; `out` int64 (n,): the node with which each makes a finding, NOBODY without.

    An exit belongs to the latest entry before it that no other exit follows; a late entry to the first exit after it;
    of equals to the youngest. Look-alikes count where no read of the very plate is found. Each read is part of one
    finding at most: less time between the two than either needs (NEED). `trips` int64 (n,): by exit how long it took
    from the entry (us), 0 where the very plate was not read there. `found` int64 (3,) is scratch.
    """
    for row in range(out.size):
        at = row * VALUES
        found[0], found[1], found[2] = NOBODY, bounds[TRIP] + 1, bounds[TRIP] + 1
        nearest(nodes, head, bounds, values, at, 0, values[at + KEY], found)
        nearest(nodes, head, bounds, values, at, 0, values[at + BEFORE], found)
        trips[row] = 0
        if values[at + WHERE] & 1 == 1 and found[0] != NOBODY and found[2] > found[1]:
            trips[row] = found[1]
        if found[1] > bounds[HORIZON]:
            found[0], found[1] = NOBODY, bounds[HORIZON] + 1
            nearest(nodes, head, bounds, values, at, 1, values[at + SKELETON], found)
        partner = found[0]
        out[row] = NOBODY
        if partner != NOBODY and found[2] > found[1] and nodes[partner + FACTS] & SAID == 0:
            if found[1] < min(values[at + NEED], nodes[partner + NEED]):
                mark(nodes, partner, WIDE)
                values[at + FACTS] |= SAID
                out[row] = partner // WIDE
        append(nodes, head, bounds, WIDE, values, at)


@kernel("void(i8[::1], i4[::1], i8[::1], i8[::1], f8[::1], f8[::1], i8[::1])")
def travel(nodes: Any, head: Any, bounds: Any, values: Any, places_m: Any, figures: Any, out: Any) -> None:
    """Take sightings in, in order; `out` int64 (n,): the node with which each makes a finding, NOBODY without.

    TAG is the device, `places_m` float64 (devices * 2,) its place on a plane; `figures`: the fastest travel (m/us),
    the least distance (m), what is taken off a distance (m) and off its share (1), and what is added to a time (us).
    Of several impossible travels the nearest in time is said, of equals the youngest. Once one is said of a plate, its
    sightings belong to the same finding until it is unseen for HORIZON.
    """
    for row in range(out.size):
        at = row * VALUES
        here, now_s = 2 * ((values[at + FACTS] >> TAG) & TAG_MASK), values[at + CHAIN] >> 32
        partner, nearest_us, said = NOBODY, bounds[HORIZON] + 1, 0
        for place in (KEY, BEFORE):
            asked = values[at + place]
            link = following(nodes, bounds, PLAIN, 0, asked, youngest(head, asked), now_s)
            while link != NOBODY:
                base = (link >> 1) * PLAIN
                apart_us = abs(nodes[base + EVENT] - values[at + EVENT])
                there = 2 * ((nodes[base + FACTS] >> TAG) & TAG_MASK)
                if apart_us <= bounds[HORIZON]:
                    said |= nodes[base + FACTS] & SAID
                    east, north = places_m[there] - places_m[here], places_m[there + 1] - places_m[here + 1]
                    distance = np.sqrt(east * east + north * north)
                    sure = distance * (1.0 - figures[3]) - figures[2]
                    closer = apart_us < nearest_us or (apart_us == nearest_us and base > partner)
                    if distance >= figures[1] and sure > figures[0] * (apart_us + figures[4]) and closer:
                        partner, nearest_us = base, apart_us
                link = following(nodes, bounds, PLAIN, 0, asked, behind(nodes, base, link), now_s)
        out[row] = NOBODY
        if partner != NOBODY and said == 0:
            mark(nodes, partner, PLAIN)
            out[row] = partner // PLAIN
        if partner != NOBODY or said != 0:
            values[at + FACTS] |= SAID
        append(nodes, head, bounds, PLAIN, values, at)
