"""What the kernels of processing/kernels/sightings.py should do, over a plain list of reads."""

from typing import Any

STRIDE, BUCKETS, NOBODY = 14, 4096, -1
KEY, BEFORE, LINKS, WHERE, EVENT, COUNTED, SAID, NEED = 0, 2, 4, 6, 7, 8, 9, 10


def _remembered(nodes: Any, bounds: Any, now_us: int) -> list[int]:
    """Where the nodes that can be found begin, youngest first."""
    first, count, keep_us, most = (int(value) for value in bounds[:4])
    places = [(number - first) * STRIDE for number in range(max(first, count - most), count)]
    return [base for base in reversed(places) if now_us - nodes[base + COUNTED] <= keep_us]


def _same_plate(nodes: Any, base: int, row: Any) -> bool:
    ours = {tuple(int(v) for v in row[at : at + 2]) for at in (KEY, BEFORE)} - {(0, 0)}
    return bool(ours & {tuple(int(v) for v in nodes[base + at : base + at + 2]) for at in (KEY, BEFORE)})


def _append(nodes: Any, head: Any, bounds: Any, row: Any) -> None:
    number = int(bounds[1])
    base = (number - int(bounds[0])) * STRIDE
    nodes[base : base + STRIDE] = row
    for side in range(2):
        nodes[base + LINKS + side] = NOBODY
        if row[2 * side] or row[2 * side + 1]:
            chain = int(row[2 * side]) % 2**63 % BUCKETS
            nodes[base + LINKS + side] = head[chain]
            head[chain] = number * 2 + side
    bounds[1] += 1


def pair(nodes: Any, head: Any, bounds: Any, rows: Any, out: Any) -> None:
    for at in range(out.size):
        row = rows[at * STRIDE : (at + 1) * STRIDE]
        leaving, event_us = int(row[WHERE]) % 2, int(row[EVENT])
        known = [
            base
            for base in _remembered(nodes, bounds, int(row[COUNTED]))
            if nodes[base + WHERE] // 2 == row[WHERE] // 2 and _same_plate(nodes, base, row)
        ]
        sign = 1 if leaving else -1
        apart = {base: sign * (event_us - int(nodes[base + EVENT])) for base in known}
        others = [b for b in known if nodes[b + WHERE] % 2 != leaving and 0 < apart[b] <= bounds[4]]
        own = [apart[b] for b in known if nodes[b + WHERE] % 2 == leaving and apart[b] >= 0]
        out[at] = NOBODY
        if others:
            best = min(others, key=lambda b: apart[b])
            fast = apart[best] < min(int(row[NEED]), int(nodes[best + NEED]))
            if fast and not nodes[best + SAID] and all(between > apart[best] for between in own):
                nodes[best + SAID] = row[SAID] = 1
                out[at] = best // STRIDE + bounds[0]
        _append(nodes, head, bounds, row)


def travel(nodes: Any, head: Any, bounds: Any, rows: Any, places_m: Any, figures: Any, out: Any) -> None:
    fastest, least_m, off_m, off_share, more_us = figures.tolist()
    for at in range(out.size):
        row = rows[at * STRIDE : (at + 1) * STRIDE]
        known = {
            base: abs(int(nodes[base + EVENT]) - int(row[EVENT]))
            for base in _remembered(nodes, bounds, int(row[COUNTED]))
            if _same_plate(nodes, base, row)
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
