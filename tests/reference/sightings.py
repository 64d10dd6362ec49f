"""What the kernels of processing/kernels/sightings.py should do, over a plain list of reads."""

from typing import Any

KEY, EVENT, BOOT, SEQ, FACTS, CHAIN, NEED, SKELETON, WHERE, BEFORE = range(10)
PLAIN, WIDE, VALUES, NOBODY = 6, 9, 10, -1
SAID, TWIN_AFTER, TWIN_BEFORE, STATE, TAG = 1, 2, 4, 3, 33
SECOND = 1_000_000


def _signed(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


def read(waited: Any, fresh: Any, layout: Any, places: Any, tags: Any, values: Any) -> None:
    raw, width = waited.tobytes() + fresh.tobytes(), 2 * int(layout[0])

    def number(row: int, field: int, offset: int = 0, size: int = 8) -> int:
        at = row * width + 2 * int(layout[field]) + offset
        return int.from_bytes(raw[at : at + size], "little")

    for row, (place, tag) in enumerate(zip(places.tolist(), tags.tolist(), strict=True)):
        made = values[row * VALUES : (row + 1) * VALUES]
        for at, field in ((KEY, 1), (BEFORE, 2), (SKELETON, 3)):
            made[at] = _signed((number(place, field) ^ number(place, field, 8) << 7) % 2**64)
        made[BOOT], made[SEQ] = (_signed(number(place, field)) for field in (4, 5))
        facts = tag % 2**31 << TAG
        for field, shift, bits in ((6, 21, 12), (7, 15, 6), (8, 13, 2), (9, 9, 4), (10, 5, 4), (11, 3, 2)):
            facts |= number(place, field, size=2) % 2**bits << shift
        made[FACTS] = _signed(facts)


def _facts(node: Any) -> int:
    return int(node[FACTS]) % 2**64


def _tag(node: Any) -> int:
    return _facts(node) >> TAG


def _counted_s(node: Any) -> int:
    return int(node[CHAIN]) >> 32


def _remembered(nodes: Any, bounds: Any, width: int, now_s: int) -> list[int]:
    """Where the nodes that can be found begin, youngest first."""
    count, keep_us, most = (int(value) for value in bounds[:3])
    places = [number * width for number in range(max(0, count - most), count)]
    return [base for base in reversed(places) if (now_s - _counted_s(nodes[base:])) * SECOND <= keep_us]


def _keys(row: Any) -> set[int]:
    return {int(row[KEY]), int(row[BEFORE])} - {0}


def _alike(node: Any, row: Any) -> bool:
    doubtful = 2 in ((_facts(node) >> STATE) % 4, (_facts(row) >> STATE) % 4)
    first_of_twins = not _facts(node) & TWIN_BEFORE
    return bool(row[SKELETON] and node[SKELETON] == row[SKELETON] and doubtful and first_of_twins)


def _mark(nodes: Any, base: int, width: int) -> None:
    facts = _facts(nodes[base:])
    twins = [base, *([base + width] if facts & TWIN_AFTER else []), *([base - width] if facts & TWIN_BEFORE else [])]
    for twin in twins:
        if twin >= 0:
            nodes[twin + FACTS] |= SAID


def _append(nodes: Any, head: Any, bounds: Any, width: int, row: Any) -> None:
    twins = [(row[KEY], TWIN_AFTER), (row[BEFORE], TWIN_BEFORE)] if row[BEFORE] else [(row[KEY], 0)]
    for key, flag in twins:
        node = nodes[int(bounds[0]) * width : (int(bounds[0]) + 1) * width]
        node[:] = row[:width]
        node[KEY], node[FACTS] = key, row[FACTS] | flag
        bounds[0] += 1
    head[:] = NOBODY
    chain(nodes[: int(bounds[0]) * width], head, width)


def chain(nodes: Any, head: Any, width: int) -> None:
    for number, node in enumerate(nodes.reshape(-1, width)):
        node[CHAIN] = _counted_s(node) << 32
        if node[KEY]:
            bucket = int(node[KEY]) % head.size
            node[CHAIN] += int(head[bucket]) + 1
            head[bucket] = number * 2
        if width == WIDE:
            facts, bucket = _facts(node) % 2**TAG, int(node[SKELETON]) % head.size
            if node[SKELETON] and not facts & TWIN_BEFORE:
                facts += (int(head[bucket]) + 1) << TAG
                head[bucket] = number * 2 + 1
            node[FACTS] = _signed(facts)


def pair(nodes: Any, head: Any, bounds: Any, values: Any, found: Any, out: Any, trips: Any) -> None:
    for at in range(out.size):
        row = values[at * VALUES : (at + 1) * VALUES]
        leaving = int(row[WHERE]) % 2
        sign = 1 if leaving else -1
        known = _remembered(nodes, bounds, WIDE, _counted_s(row))
        here = [base for base in known if nodes[base + WHERE] // 2 == row[WHERE] // 2]
        apart = {base: sign * (int(row[EVENT]) - int(nodes[base + EVENT])) for base in here}
        same = [base for base in here if int(nodes[base + KEY]) in _keys(row)]
        alike = [base for base in here if _alike(nodes[base : base + WIDE], row)]
        trip = min((apart[b] for b in _at_the_other_end(nodes, same, leaving, apart, int(bounds[4]))), default=0)
        again = [b for b in same if nodes[b + WHERE] % 2 == leaving and 0 <= apart[b] <= trip]
        trips[at] = trip if leaving and not again else 0
        others = _at_the_other_end(nodes, same, leaving, apart, int(bounds[3]))
        if not others:
            same = sorted({*same, *alike}, reverse=True)
            others = _at_the_other_end(nodes, alike, leaving, apart, int(bounds[3]))
        out[at] = NOBODY
        if others:
            best = min(others, key=lambda base: apart[base])
            between = [b for b in same if nodes[b + WHERE] % 2 == leaving and 0 <= apart[b] <= apart[best]]
            fast = apart[best] < min(int(row[NEED]), int(nodes[best + NEED]))
            if fast and not _facts(nodes[best:]) & SAID and not between:
                _mark(nodes, best, WIDE)
                row[FACTS] |= SAID
                out[at] = best // WIDE
        _append(nodes, head, bounds, WIDE, row)


def _at_the_other_end(nodes: Any, known: list[int], leaving: int, apart: dict[int, int], horizon_us: int) -> list[int]:
    return [base for base in known if nodes[base + WHERE] % 2 != leaving and 0 < apart[base] <= horizon_us]


def travel(nodes: Any, head: Any, bounds: Any, values: Any, places_m: Any, figures: Any, out: Any) -> None:
    fastest, least_m, off_m, off_share, more_us = figures.tolist()
    for at in range(out.size):
        row = values[at * VALUES : (at + 1) * VALUES]
        known = {
            base: abs(int(nodes[base + EVENT]) - int(row[EVENT]))
            for base in _remembered(nodes, bounds, PLAIN, _counted_s(row))
            if int(nodes[base + KEY]) in _keys(row)
        }
        known = {base: apart for base, apart in known.items() if apart <= bounds[3]}
        said = any(_facts(nodes[base:]) & SAID for base in known)
        best = NOBODY
        for base, apart in sorted(known.items(), reverse=True):
            here, there = _tag(row), _tag(nodes[base:])
            east, north = (places_m[2 * there + axis] - places_m[2 * here + axis] for axis in range(2))
            distance = (east * east + north * north) ** 0.5
            impossible = distance * (1.0 - off_share) - off_m > fastest * (apart + more_us)
            if distance >= least_m and impossible and (best == NOBODY or apart < known[best]):
                best = base
        out[at] = NOBODY
        if best != NOBODY and not said:
            _mark(nodes, best, PLAIN)
            out[at] = best // PLAIN
        row[FACTS] |= int(said or best != NOBODY)
        _append(nodes, head, bounds, PLAIN, row)
