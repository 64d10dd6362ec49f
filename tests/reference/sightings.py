"""What the kernels of processing/kernels/sightings.py should do, over a plain list of reads."""

from typing import Any

STRIDE, SIDES, BUCKETS, NOBODY = 18, 3, 16_384, -1
COUNTED, LINKS, WHERE, EVENT, SAID, NEED, DOUBT = 6, 7, 10, 11, 12, 13, 14


def _remembered(nodes: Any, bounds: Any, now_us: int) -> list[int]:
    """Where the nodes that can be found begin, youngest first."""
    first, count, keep_us, most = (int(value) for value in bounds[:4])
    places = [(number - first) * STRIDE for number in range(max(first, count - most), count)]
    return [base for base in reversed(places) if now_us - nodes[base + COUNTED] <= keep_us]


def _hashes(values: Any, sides: tuple[int, ...]) -> set[tuple[int, int]]:
    return {(int(values[2 * side]), int(values[2 * side + 1])) for side in sides} - {(0, 0)}


def _same_plate(node: Any, row: Any) -> bool:
    return bool(_hashes(row, (0, 1)) & _hashes(node, (0, 1)))


def _alike(node: Any, row: Any) -> bool:
    return bool(_hashes(row, (2,)) & _hashes(node, (2,))) and bool(row[DOUBT] or node[DOUBT])


def _append(nodes: Any, head: Any, bounds: Any, row: Any) -> None:
    number = int(bounds[1])
    base = (number - int(bounds[0])) * STRIDE
    nodes[base : base + STRIDE] = row
    for side in range(SIDES):
        nodes[base + LINKS + side] = NOBODY
        if row[2 * side] or row[2 * side + 1]:
            chain = int(row[2 * side]) % 2**63 % BUCKETS
            nodes[base + LINKS + side] = head[chain]
            head[chain] = number * SIDES + side
    bounds[1] += 1


def pair(nodes: Any, head: Any, bounds: Any, rows: Any, out: Any) -> None:
    for at in range(out.size):
        row = rows[at * STRIDE : (at + 1) * STRIDE]
        leaving = int(row[WHERE]) % 2
        sign = 1 if leaving else -1
        here = [b for b in _remembered(nodes, bounds, int(row[COUNTED])) if nodes[b + WHERE] // 2 == row[WHERE] // 2]
        apart = {base: sign * (int(row[EVENT]) - int(nodes[base + EVENT])) for base in here}
        same = [base for base in here if _same_plate(nodes[base : base + STRIDE], row)]
        alike = [base for base in here if _alike(nodes[base : base + STRIDE], row)]
        others = _at_the_other_end(nodes, same, leaving, apart, int(bounds[4]))
        if not others:
            same = sorted({*same, *alike}, reverse=True)
            others = _at_the_other_end(nodes, alike, leaving, apart, int(bounds[4]))
        out[at] = NOBODY
        if others:
            best = min(others, key=lambda base: apart[base])
            between = [b for b in same if nodes[b + WHERE] % 2 == leaving and 0 <= apart[b] <= apart[best]]
            fast = apart[best] < min(int(row[NEED]), int(nodes[best + NEED]))
            if fast and not nodes[best + SAID] and not between:
                nodes[best + SAID] = row[SAID] = 1
                out[at] = best // STRIDE + bounds[0]
        _append(nodes, head, bounds, row)


def _at_the_other_end(nodes: Any, known: list[int], leaving: int, apart: dict[int, int], horizon_us: int) -> list[int]:
    return [base for base in known if nodes[base + WHERE] % 2 != leaving and 0 < apart[base] <= horizon_us]


def travel(nodes: Any, head: Any, bounds: Any, rows: Any, places_m: Any, figures: Any, out: Any) -> None:
    fastest, least_m, off_m, off_share, more_us = figures.tolist()
    for at in range(out.size):
        row = rows[at * STRIDE : (at + 1) * STRIDE]
        known = {
            base: abs(int(nodes[base + EVENT]) - int(row[EVENT]))
            for base in _remembered(nodes, bounds, int(row[COUNTED]))
            if _same_plate(nodes[base : base + STRIDE], row)
        }
        known = {base: apart for base, apart in known.items() if apart <= bounds[4]}
        said = any(nodes[base + SAID] for base in known)
        best = NOBODY
        for base, apart in known.items():
            here, there = int(row[WHERE]), int(nodes[base + WHERE])
            east, north = (places_m[2 * there + axis] - places_m[2 * here + axis] for axis in range(2))
            distance = (east * east + north * north) ** 0.5
            impossible = distance * (1.0 - off_share) - off_m > fastest * (apart + more_us)
            if distance >= least_m and impossible and (best == NOBODY or apart < known[best]):
                best = base
        out[at] = NOBODY
        if best != NOBODY:
            row[SAID] = 1
        if best != NOBODY and not said:
            nodes[best + SAID] = 1
            out[at] = best // STRIDE + bounds[0]
        row[SAID] = int(said or best != NOBODY)
        _append(nodes, head, bounds, row)
